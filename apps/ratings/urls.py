from django.urls import path

from apps.ratings import views

app_name = "ratings"

urlpatterns = [path("<uuid:code>/", views.rate, name="rate")]
