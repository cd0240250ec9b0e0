"""What the network offered: dated snapshots, one row per place and one per plug. Nobody's truth but the sender's."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.urls import reverse
from django.utils.functional import cached_property

from apps.discovery.times import OfferedTimes
from apps.discovery.wishes import Favourite, FilterProfile, Watch, WatchEvent
from apps.pricing import Tariff, Tax, read_tariff

__all__ = [
    "Favourite",
    "FilterProfile",
    "Offer",
    "OfferedStation",
    "OfferedTimes",
    "SearchAnswer",
    "SearchRun",
    "Watch",
    "WatchEvent",
]

# What an offer costs is said for a charge of this size, so that offers can be compared.
TYPICAL_KWH, TYPICAL_MINUTES = 20, 35


class SearchRun(models.Model):
    """One `search` we sent. Everybody who looks at the same area in the same moment shares it."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    transaction_id = models.UUIDField(default=uuid.uuid4, unique=True)
    area = models.CharField(max_length=60)  # where we asked, as text: also the name of the live panel
    tick = models.BigIntegerField()  # number of the interval in which we asked
    lat = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    lon = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    radius_km = models.DecimalField(max_digits=7, decimal_places=2, null=True)
    words = models.CharField(max_length=100, blank=True)
    asked_at = models.DateTimeField()
    asked = models.JSONField(default=list)  # subscriber ids; empty when a gateway passes the question on

    class Meta:
        ordering = ["-asked_at"]
        constraints = [models.UniqueConstraint(fields=["area", "tick"], name="one_search_per_area_and_tick")]
        indexes = [models.Index(fields=["asked_at"], name="search_run_age")]

    def __str__(self) -> str:
        return f"{self.area} at {self.asked_at:%H:%M:%S}"


class SearchAnswer(models.Model):
    """Who answered a search; an operator that sends several pages answers once."""

    run = models.ForeignKey(SearchRun, on_delete=models.CASCADE, related_name="answers")
    bpp_id = models.CharField(max_length=255)
    pages = models.PositiveIntegerField(default=1)
    plugs = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "bpp_id"], name="one_answer_per_operator")]

    def __str__(self) -> str:
        return f"{self.bpp_id}: {self.plugs}"


class OfferedStation(models.Model):
    """A location of a provider of a BPP, as last told."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    bpp_id = models.CharField(max_length=255)
    bpp_uri = models.CharField(max_length=500)
    provider_id = models.CharField(max_length=255)
    provider_name = models.CharField(max_length=200)
    location_id = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=300, blank=True)
    city = models.CharField(max_length=100, blank=True)
    lat = models.DecimalField(max_digits=9, decimal_places=6)
    lon = models.DecimalField(max_digits=9, decimal_places=6)
    zone = models.CharField(max_length=64, blank=True)
    hours_text = models.CharField(max_length=300, blank=True)
    amenities = models.JSONField(default=list)  # words of ours (plugs.AMENITIES) and of the sender
    is_accessible = models.BooleanField(null=True)  # null = not said
    closed_reason = models.CharField(max_length=200, blank=True)  # not empty: it was closed when it was told
    opens_at = models.DateTimeField(null=True)  # told of a closed station only
    closes_at = models.DateTimeField(null=True)
    photos = models.JSONField(default=list)  # rows of photos.ToldPhoto
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["lat", "lon"], name="offered_station_position")]
        constraints = [
            models.UniqueConstraint(
                fields=["bpp_id", "provider_id", "location_id"], name="one_row_per_offered_station"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("discovery:station", args=[self.code])


class Offer(models.Model):
    """One plug for sale (an item of the catalog). `code` is ours; the ids are the sender's, echoed byte for byte."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The unique constraint below is its index.
    station = models.ForeignKey(
        OfferedStation, on_delete=models.CASCADE, related_name="offers", db_index=False
    )
    item_id = models.CharField(max_length=255)
    fulfillment_id = models.CharField(max_length=255, blank=True)
    evse_id = models.CharField(max_length=255, blank=True)  # plugs with the same value share one car's place
    name = models.CharField(max_length=200, blank=True)
    letter = models.CharField(max_length=10, blank=True)
    standard = models.CharField(max_length=40, blank=True)  # OCPI constant, or the sender's word when unknown
    power_type = models.CharField(max_length=2, blank=True)  # AC, DC or unknown
    max_kw = models.DecimalField(max_digits=6, decimal_places=1, null=True)
    currency = models.CharField(max_length=3, blank=True)
    energy_rate = models.DecimalField(max_digits=10, decimal_places=4, null=True)  # per kWh; null = not given
    session_fee = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    tax_name = models.CharField(max_length=20, blank=True)
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3, null=True)  # null = not said
    # The whole tariff where the figures above do not say all (shape of apps.pricing), and its dearest minute.
    tariff = models.JSONField(default=dict)
    minute_rate = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    # What a charge of the typical size costs, in hundredths of `currency` (`prices.usual_cents`); null = not given.
    usual_cents = models.BigIntegerField(null=True)
    order_by = models.CharField(max_length=60, blank=True)  # "energy,money,time"; "" = not said: energy
    vehicle_types = models.JSONField(default=list)  # 2-WHEELER …; [] = not said
    is_reservable = models.BooleanField(null=True)  # null = not said
    is_green = models.BooleanField(null=True)
    traits = models.BigIntegerField(default=0)  # the last three as bits of `facets.TRAITS`
    status = models.CharField(max_length=16, default="Unknown")  # OCPP 1.6 words, Offline or Unknown
    status_changed_at = models.DateTimeField(null=True)
    # The operator's last proof of life; when it told none, the arrival of the snapshot.
    status_seen_at = models.DateTimeField(null=True)
    # The same after a look at the other plugs of its EVSE: a car at one of them takes the place of all.
    shown_status = models.CharField(max_length=16, blank=True)
    shown_seen_at = models.DateTimeField(null=True)
    last_charge_at = models.DateTimeField(null=True)  # a charge last ended here with energy; null = not told
    seen_at = models.DateTimeField()  # when this snapshot came home

    class Meta:
        ordering = ["letter", "pk"]
        constraints = [models.UniqueConstraint(fields=["station", "item_id"], name="one_row_per_offer")]

    def __str__(self) -> str:
        return f"{self.station} {self.letter or self.item_id}"

    @cached_property
    def rules(self) -> Tariff | None:
        """What the engine counts with; None when the operator named no price. Net where it did not speak of taxes."""
        if self.tariff:
            return read_tariff(self.tariff)
        if self.energy_rate is None or not self.currency:
            return None
        tax = Tax(self.tax_name or "Tax", self.tax_percent) if self.tax_percent else None
        return Tariff.simple(self.currency, self.energy_rate, self.session_fee or Decimal(0), tax)

    @property
    def sells_by(self) -> frozenset[str]:
        """ "energy", "money", "time", as the operator said that it can read them."""
        return frozenset(word.strip().lower() for word in self.order_by.split(",")) | {"energy"}

    @property
    def confirmed_at(self) -> datetime:
        return self.shown_seen_at or self.status_seen_at or self.seen_at

    @property
    def told_status(self) -> str:
        return self.shown_status or self.status


class Facets(models.Model):
    """What the map asks of a station, as numbers (`facets.py`); written with every answer by `services.py`.

    One index holds all of them, in the order of the map, so that no question has to look at the rows.
    """

    station = models.OneToOneField(
        OfferedStation, on_delete=models.CASCADE, primary_key=True, related_name="facets"
    )
    tile = models.IntegerField()  # half a degree of the globe
    y = models.BigIntegerField()  # millionths of a degree
    x = models.BigIntegerField()
    seller = models.BigIntegerField()
    ac = models.BigIntegerField()  # kinds of plugs, as bits
    dc = models.BigIntegerField()
    ac_free = models.BigIntegerField()
    dc_free = models.BigIntegerField()
    some_traits = models.BigIntegerField()
    all_traits = models.BigIntegerField()
    fits = models.BigIntegerField()  # wishes (facets.WISHES) that one of the plugs fulfils
    fits_free = models.BigIntegerField()  # … that one told as free fulfils
    # Instants, in microseconds: of the oldest and of the newest plug, and of those told as free.
    seen_from = models.BigIntegerField()
    seen_to = models.BigIntegerField()
    free_from = models.BigIntegerField()
    free_to = models.BigIntegerField()
    open_from = models.BigIntegerField()
    open_until = models.BigIntegerField()
    # `Offer.usual_cents` of the cheapest and of the dearest plug, and in which money; no price is dearer than any.
    price_from = models.BigIntegerField()
    price_to = models.BigIntegerField()
    money = models.IntegerField()

    class Meta:
        verbose_name_plural = "facets"
        indexes = [
            models.Index(
                fields=[
                    *("tile", "y", "x", "seen_to", "seen_from", "ac", "dc", "ac_free", "dc_free"),
                    *("free_from", "free_to", "open_from", "open_until", "some_traits", "all_traits"),
                    *("fits", "fits_free", "seller", "price_from", "price_to", "money", "station"),
                ],
                name="facets_of_the_map",
            )
        ]

    def __str__(self) -> str:
        return f"facets of {self.station_id}"
