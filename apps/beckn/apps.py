from django.apps import AppConfig


class BecknConfig(AppConfig):
    name = "apps.beckn"
    verbose_name = "Beckn network"
