from django.urls import path

from apps.support import views

app_name = "support"

urlpatterns = [
    path("", views.tickets, name="tickets"),
    path("report/order/<uuid:code>/", views.report_order, name="report_order"),
    path("report/station/<uuid:code>/", views.report_station, name="report_station"),
    # support/<number, or signed link>/
    path("<str:name>/", views.ticket, name="ticket"),
    path("<str:name>/files/<uuid:code>/", views.download, name="download"),
    path("<str:name>/say/", views.say, name="say"),
    path("<str:name>/accept/", views.accept, name="accept"),
    path("<str:name>/reopen/", views.reopen, name="reopen"),
]
