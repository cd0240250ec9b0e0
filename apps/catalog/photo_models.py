"""Photos of stations: the rows. `models.py` has the rest of the catalog."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class StationPhoto(models.Model):
    """A picture of a station: uploaded and painted anew (`photos.py`), or a link of an imported source."""

    station = models.ForeignKey("Station", on_delete=models.CASCADE, related_name="photos")
    alt = models.CharField(
        _("what it shows"),
        max_length=120,
        help_text=_("For people who cannot see it: “The posts behind the cinema, from the street”."),
    )
    position = models.PositiveSmallIntegerField(_("place in the row"), default=0)
    large = models.FileField(upload_to="photos/", blank=True, editable=False)
    small = models.FileField(upload_to="photos/", blank=True, editable=False)
    link = models.CharField(max_length=500, blank=True, editable=False)  # https, elsewhere
    small_link = models.CharField(max_length=500, blank=True, editable=False)
    # Of the large and of the small one; null = a link whose source did not tell.
    width = models.PositiveIntegerField(null=True, editable=False)
    height = models.PositiveIntegerField(null=True, editable=False)
    small_width = models.PositiveIntegerField(null=True, editable=False)
    small_height = models.PositiveIntegerField(null=True, editable=False)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        constraints = [
            models.CheckConstraint(
                condition=(Q(link="") & ~Q(large="") & ~Q(small="")) | (~Q(link="") & Q(large="", small="")),
                name="photo_is_a_file_or_a_link",
            ),
            models.UniqueConstraint(
                fields=["station", "link"], condition=~Q(link=""), name="one_photo_per_link"
            ),
        ]

    def __str__(self) -> str:
        return self.alt
