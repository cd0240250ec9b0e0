from django.urls import path

from apps.bookings import views

urlpatterns = [path("track/<str:link>/", views.track, name="track")]
