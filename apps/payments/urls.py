from django.urls import path

from apps.payments import views

app_name = "payments"

urlpatterns = [
    path("sandbox/<uuid:ref>/", views.sandbox, name="sandbox"),
    path("<uuid:code>/checkout/", views.checkout, name="checkout"),
    path("<uuid:code>/back/", views.back, name="back"),
]
