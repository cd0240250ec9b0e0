from django.contrib import admin
from django.urls import include, path, re_path

from apps.discovery import station_views
from apps.discovery import views as discovery
from evportal import door, health, styleguide, views

urlpatterns = [
    path("", discovery.explore, name="home"),
    path("saved/", station_views.saved, name="saved"),
    path("stations/", include("apps.discovery.urls")),
    path("", include("apps.accounts.urls")),
    path("me/notices/", include("apps.notices.urls")),
    path("", include("apps.bookings.urls")),
    path("accounts/", include("allauth.urls")),
    path("orders/", include("apps.orders.urls")),
    path("pay/", include("apps.payments.urls")),
    path("rate/", include("apps.ratings.urls")),
    path("support/", include("apps.support.urls")),
    path("operator/", include("apps.catalog.urls")),
    # No slash at the end: printed codes are short.
    path("c/", door.type_code, name="type_code"),
    path("c/reported/", door.code_reported, name="code_reported"),
    path("c/<str:code>", door.plug_door, name="plug_door"),
    path("c/<str:code>/wrong/", door.report_code, name="report_code"),
    re_path(r"^media/photos/(?P<name>[\w-]{1,60}\.jpg)$", views.photo, name="photo"),
    path("theme/", views.set_theme, name="set_theme"),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("styleguide/", styleguide.show, name="styleguide"),
    path("styleguide/pins/", styleguide.pins, name="styleguide_pins"),
    path("styleguide/<slug:screen>/", styleguide.show, name="styleguide_screen"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "evportal.views.bad_request"
handler403 = "evportal.views.forbidden"
handler404 = "evportal.views.not_found"
handler500 = "evportal.views.broken"
