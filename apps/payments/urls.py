from django.urls import path

from apps.payments import views

app_name = "payments"

urlpatterns = [
    path("sandbox/<uuid:ref>/", views.sandbox, name="sandbox"),
    path("webhooks/<slug:provider>/", views.webhook, name="webhook"),
    path("<uuid:code>/checkout/", views.checkout, name="checkout"),
    path("<uuid:code>/back/", views.back, name="back"),
    path("<uuid:code>/razorpay/", views.razorpay, name="razorpay"),
    path("<uuid:code>/razorpay/back/", views.back_from_razorpay, name="back_from_razorpay"),
]
