from django.urls import path

from apps.discovery import profile_views, station_views, views

app_name = "discovery"
urlpatterns = [
    path("pins/", views.pins, name="pins"),
    path("progress/<str:area>/", views.progress, name="progress"),
    path("filters/", profile_views.save, name="save_filters"),
    path("filters/drop/", profile_views.drop, name="drop_filters"),
    path("<uuid:code>/", views.station, name="station"),
    path("<uuid:code>/keep/", station_views.keep, name="keep"),
    path("<uuid:code>/drop/", station_views.drop, name="drop"),
    path("<uuid:code>/watch/", station_views.watch, name="watch"),
    path("watches/<uuid:code>/stop/", station_views.stop_watch, name="stop_watch"),
]
