"""An attachment leaves the house as a download: the browser never runs, shows or guesses it."""

from django.http import HttpResponse

from apps.support.models import Attachment


def as_download(file: Attachment) -> HttpResponse:
    response = HttpResponse(bytes(file.data), content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
