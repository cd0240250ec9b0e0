from django.apps import AppConfig


class EvportalConfig(AppConfig):
    name = "evportal"
    verbose_name = "EV Portal"

    def ready(self) -> None:
        from apps.lib import wiring  # the checks register themselves on import
        from evportal import checks  # noqa: F401

        wiring.load("evportal.wiring")
