from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class DiscoveryConfig(AppConfig):
    name = "apps.discovery"
    verbose_name = "Discovery"

    def ready(self) -> None:
        from apps.discovery import favourites, profiles  # needs the models, which are loaded by now

        user_logged_in.connect(favourites.adopt, dispatch_uid="adopt favourites of a guest")
        user_logged_in.connect(profiles.adopt, dispatch_uid="adopt filter profiles of a guest")
