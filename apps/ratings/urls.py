from django.urls import path

from apps.ratings import views

app_name = "ratings"

urlpatterns = [
    path("<uuid:code>/", views.rate, name="rate"),
    path("<uuid:code>/questions/", views.answer_form, name="answer_form"),
    path("words/<uuid:code>/report/", views.report_words, name="report_words"),
    path("feedback/<str:token>/", views.answer_own_form, name="own_form"),
]
