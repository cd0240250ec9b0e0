from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "apps.ratings"
    verbose_name = "Ratings"
