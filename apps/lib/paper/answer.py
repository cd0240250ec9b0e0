"""A paper as an answer to a browser."""

from django.http import HttpResponse

from apps.lib.paper import Paper


def as_pdf(paper: Paper, name: str) -> HttpResponse:
    """Shown or saved as the browser likes; `name` is made of plain letters (slugify)."""
    response = HttpResponse(paper.pdf(), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "private, no-store"  # it names a person
    response["X-Content-Type-Options"] = "nosniff"
    return response
