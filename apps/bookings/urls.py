from django.urls import path

from apps.bookings import views

urlpatterns = [path("track/<str:token>/", views.track, name="track")]
