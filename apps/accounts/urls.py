from django.urls import path

from apps.accounts import guest_views, views

urlpatterns = [
    path("me/", views.me, name="me"),
    # Vehicles: finding and choosing one is for guests too
    path("me/vehicles/", views.vehicles, name="vehicles"),
    path("me/vehicles/find/", views.find_vehicle, name="find_vehicle"),
    path("me/vehicles/choose/", views.choose_vehicle, name="choose_vehicle"),
    path("me/vehicles/<uuid:code>/rename/", views.rename_vehicle, name="rename_vehicle"),
    path("me/vehicles/<uuid:code>/remove/", views.remove_vehicle, name="remove_vehicle"),
    # Ordering without an account
    path("guest/", guest_views.go_on_as_guest, name="go_on_as_guest"),
    path("guest/keep/", guest_views.keep, name="keep_guest"),
    path("guest/<str:token>/", guest_views.open_link, name="open_guest_link"),
    path("guest/<str:token>/claim/", guest_views.claim, name="claim_guest"),
    path("language/", views.set_language, name="set_language"),
    path("demo/sign-in/", views.demo_sign_in, name="demo_sign_in"),
]
