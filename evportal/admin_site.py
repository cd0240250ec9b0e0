"""The admin: Django's own, in our colours (templates/admin/base_site.html) and behind our sign-in."""

from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PortalAdminSite(admin.AdminSite):
    site_header = site_title = "EV Portal"  # the page adds whose desk it is
    index_title = _("Overview")

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """No second sign-in form: strangers go to ours, and who is signed in without the right is told so."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        after = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': after})}")


class PortalAdminConfig(AdminConfig):
    default_site = "evportal.admin_site.PortalAdminSite"
