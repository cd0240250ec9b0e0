from django.urls import path

from apps.catalog import views

app_name = "catalog"
urlpatterns = [
    path("codes/", views.stations, name="stations"),
    path("stations/<str:code>/codes/", views.plug_codes, name="plug_codes"),
    path("stations/<str:code>/codes/new/", views.issue_codes, name="issue_codes"),
    path("codes/<str:code>/replace/", views.replace_code, name="replace_code"),
    path("codes/<str:code>/settle/", views.settle_reports, name="settle_reports"),
]
