from django.urls import path

from apps.notices import views

app_name = "notices"

urlpatterns = [
    path("", views.notices, name="notices"),
    path("devices/", views.sign_up_device, name="sign_up_device"),
    path("devices/off/", views.sign_off_device, name="sign_off_device"),
    path("devices/<uuid:code>/remove/", views.remove_device, name="remove_device"),
    path("off/<str:token>/", views.off, name="off"),
]
