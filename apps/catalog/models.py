"""What an operator has for sale: stations, the EVSEs in them, the plugs on those, and what they cost."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.catalog.codes import ending, grouped
from apps.catalog.hours import fault_in_hours, fault_in_zone
from apps.catalog.photo_models import StationPhoto
from apps.catalog.slot_models import SlotPolicy, TakenTime
from apps.catalog.tariff_models import PublishedTariffNeverChanges, Tariff

__all__ = [
    "CodeReport",
    "Connector",
    "Evse",
    "Operator",
    "PlugCode",
    "PublishedTariffNeverChanges",
    "SlotPolicy",
    "Staff",
    "Station",
    "StationPhoto",
    "TakenTime",
    "Tariff",
]


class Operator(models.Model):
    """A charge point operator. `code` is its provider id on the network."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    legal_name = models.CharField(max_length=200, blank=True)
    tax_id = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3, default="INR")
    description = models.CharField(max_length=200, blank=True)
    # What leaving after payment and before energy flows costs, in percent of the quote.
    cancellation_fee_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Staff(models.Model):
    """A person who works for one operator."""

    class Role(models.TextChoices):
        VIEWER = "VIEWER", _("Viewer")
        MANAGER = "MANAGER", _("Manager")
        FINANCE = "FINANCE", _("Finance")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff")
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="staff")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("staff")

    def __str__(self) -> str:
        return f"{self.user} · {self.operator} ({self.get_role_display()})"


class Station(models.Model):
    """A place with a name, a position and a time zone. `code` is its location id on the network."""

    class Access(models.TextChoices):
        PUBLIC = "PUBLIC", _("Public")
        RESTRICTED = "RESTRICTED", _("Customers and guests")
        PRIVATE = "PRIVATE", _("Private")

    code = models.CharField(max_length=60, unique=True)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="stations")
    # Where the row came from ("demo", a format of importers, "" by hand) and its id there: importing twice changes
    # one row.
    source = models.CharField(max_length=20, blank=True)
    source_id = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=300, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=100, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=3, default="IND")  # ISO 3166 alpha-3
    lat = models.DecimalField(
        max_digits=9, decimal_places=6, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    lon = models.DecimalField(
        max_digits=9, decimal_places=6, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    zone = models.CharField(max_length=64, default="Asia/Kolkata")  # IANA
    # [] is unknown; otherwise [{"days": [0..6, Monday = 0], "opens": "06:00", "closes": "23:00"}, …] in the
    # station's zone, "closes" ≤ "opens" runs past midnight, "00:00"–"24:00" is all day.
    hours = models.JSONField(default=list, blank=True)
    hours_text = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    # The brand on the post and the price written on it, as a source told them; nothing is billed by these.
    network_name = models.CharField(max_length=80, blank=True)
    price_text = models.CharField(max_length=200, blank=True)
    amenities = models.JSONField(default=list, blank=True)
    is_accessible = models.BooleanField(
        _("a bay for wheelchairs"), null=True, blank=True
    )  # null = nobody said
    is_green = models.BooleanField(_("green energy"), default=False)  # sold as green tariff
    access = models.CharField(max_length=10, choices=Access.choices, default=Access.PUBLIC)
    is_published = models.BooleanField(default=True)
    closed_reason = models.CharField(max_length=200, blank=True)  # not empty: closed until further notice
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["lat", "lon"], name="station_position")]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "source", "source_id"],
                condition=~Q(source_id=""),
                name="one_station_per_source_row",
            ),
            models.CheckConstraint(
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180), name="station_on_earth"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        faults = {"zone": fault_in_zone(self.zone), "hours": fault_in_hours(self.hours)}
        if any(faults.values()):
            raise ValidationError({field: fault for field, fault in faults.items() if fault})


class Evse(models.Model):
    """Serves one car at a time. `charge_point_id` is the OCPP identity of its box ("" = not connected)."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="evses")
    code = models.CharField(max_length=80, unique=True)  # fulfillment id on the network
    label = models.CharField(max_length=20, default="1")
    charge_point_id = models.CharField(max_length=48, blank=True, db_index=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = "EVSE"
        verbose_name_plural = "EVSEs"
        constraints = [models.UniqueConstraint(fields=["station", "label"], name="one_evse_per_label")]

    def __str__(self) -> str:
        return f"{self.station} · {self.label}"


def cars() -> list[str]:
    return ["4-WHEELER"]


class Connector(models.Model):
    """A plug. `code` is its item id on the network; `letter` is painted on the post."""

    class PowerType(models.TextChoices):
        AC_1_PHASE = "AC_1_PHASE", _("AC, one phase")
        AC_3_PHASE = "AC_3_PHASE", _("AC, three phases")
        DC = "DC", _("DC")

    class Format(models.TextChoices):
        CABLE = "CABLE", _("Cable")
        SOCKET = "SOCKET", _("Socket")

    class Status(models.TextChoices):
        """The words of OCPP 1.6, and what we say while nothing was heard."""

        AVAILABLE = "Available", _("Available")
        PREPARING = "Preparing", _("Plugged in")
        CHARGING = "Charging", _("Charging")
        SUSPENDED_EV = "SuspendedEV", _("Paused by the car")
        SUSPENDED_EVSE = "SuspendedEVSE", _("Paused by the station")
        FINISHING = "Finishing", _("Finished, please unplug")
        RESERVED = "Reserved", _("Reserved")
        UNAVAILABLE = "Unavailable", _("Out of service")
        FAULTED = "Faulted", _("Fault")
        UNKNOWN = "Unknown", _("Not confirmed")

    class Vehicle(models.TextChoices):
        TWO_WHEELER = "2-WHEELER", _("Two-wheeler")
        THREE_WHEELER = "3-WHEELER", _("Three-wheeler")
        CAR = "4-WHEELER", _("Car")
        BUS = "BUS", _("Bus")
        TRUCK = "TRUCK", _("Truck")

    evse = models.ForeignKey(Evse, on_delete=models.CASCADE, related_name="connectors")
    code = models.CharField(max_length=80, unique=True)
    letter = models.CharField(max_length=3, default="A")  # unique in the station
    ocpp_connector_id = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    standard = models.CharField(max_length=32)  # OCPI ConnectorType
    format = models.CharField(max_length=6, choices=Format.choices, default=Format.CABLE)
    power_type = models.CharField(max_length=10, choices=PowerType.choices)
    max_kw = models.DecimalField(max_digits=6, decimal_places=1)
    vehicle_types = models.JSONField(
        _("vehicles"), default=cars, blank=True
    )  # Vehicle values; [] = not known
    tariff = models.ForeignKey(
        Tariff, null=True, blank=True, on_delete=models.PROTECT, related_name="connectors"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    # Moves on a real change only; last_seen_at on any proof of life; status_told_at is the newest moment a
    # status was told for, so that a report that arrives late does not win.
    status_changed_at = models.DateTimeField(null=True, blank=True)
    status_told_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    status_source = models.CharField(max_length=20, blank=True)  # "ocpp", "import", "operator"
    # When a charge last ended here with energy in the car: a better witness than any status. null = not known.
    last_charge_at = models.DateTimeField(null=True, blank=True)
    is_published = models.BooleanField(default=True)  # no longer on the post: kept for the deals made with it

    class Meta:
        ordering = ["evse", "letter"]
        constraints = [
            models.UniqueConstraint(fields=["evse", "ocpp_connector_id"], name="one_plug_per_ocpp_number"),
            models.UniqueConstraint(fields=["evse", "letter"], name="one_plug_per_letter"),
            models.CheckConstraint(condition=Q(max_kw__gt=0), name="connector_has_power"),
        ]

    def __str__(self) -> str:
        return f"{self.evse} {self.letter}"

    def clean(self) -> None:
        """Two A at one station, on two posts, would send the driver to the wrong one."""
        if not set(self.vehicle_types) <= set(self.Vehicle.values):
            raise ValidationError({"vehicle_types": _("There is no such vehicle.")})
        if self.evse_id is None:
            return
        painted = Connector.objects.filter(evse__station=self.evse.station_id, letter=self.letter)
        if painted.exclude(pk=self.pk).exists():
            raise ValidationError({"letter": _("Another plug of this station has this letter.")})


class PlugCode(models.Model):
    """The code on a plug's sticker. Rows are never deleted: a revoked code must still be able to say that it is."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="plug_codes")
    code = models.CharField(max_length=12, unique=True)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"], condition=Q(revoked_at=None), name="one_valid_code_per_plug"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_reason="")),
                name="revoked_code_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return grouped(self.code)

    @property
    def ending(self) -> str:
        return ending(self.code)


class CodeReport(models.Model):
    """A driver says that a sticker looks wrong. Without a code of ours it belongs to no operator."""

    class What(models.TextChoices):
        OVER_ANOTHER = "OVER_ANOTHER", _("The sticker is glued over another one")
        OTHER_PLUG = "OTHER_PLUG", _("The page shows another plug or another station")
        ASKED_FOR_CARD = "ASKED_FOR_CARD", _("It led to another site that wanted card data")
        UNREADABLE = "UNREADABLE", _("It is damaged or cannot be read")
        SOMETHING_ELSE = "SOMETHING_ELSE", _("Something else")

    # Made with the form: pressing twice is one report.
    key = models.UUIDField(unique=True)
    plug_code = models.ForeignKey(PlugCode, null=True, on_delete=models.CASCADE, related_name="reports")
    typed = models.CharField(max_length=40)  # as it came, when it was none of ours
    what = models.CharField(max_length=16, choices=What.choices)
    words = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-reported_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.typed}: {self.get_what_display()}"
