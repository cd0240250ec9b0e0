import uuid

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PHONE = RegexValidator(
    r"^\+?[0-9][0-9 ()\-]{5,22}$", _("Write the number with its country code, for example +91 98450 12345.")
)


class UserManager(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        if not email:
            raise ValueError("a user has an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, email: str) -> "User":
        return self.get(email=email.strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person: driver, operator staff, support agent or administrator. They sign in with their e-mail address."""

    email = models.EmailField(
        _("e-mail address"), unique=True, error_messages={"unique": _("This address has an account.")}
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    phone = models.CharField(_("phone"), max_length=24, blank=True, validators=[PHONE])
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_demo = models.BooleanField(_("belongs to the demo"), default=False, editable=False)
    # Somebody who orders without an account: `email` is a made-up name of the row, mail goes to `contact_email`,
    # and the signed link in it is their key.
    is_guest = models.BooleanField(_("is a guest"), default=False, editable=False)
    contact_email = models.EmailField(blank=True, editable=False)
    link_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["email"]

    def __str__(self) -> str:
        return self.name or self.mail_address

    @property
    def mail_address(self) -> str:
        """Where mail to this person goes."""
        return self.contact_email if self.is_guest else self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.mail_address.partition("@")[0]

    @property
    def initial(self) -> str:
        return str(self)[:1].upper()


class VehicleModel(models.Model):
    """A vehicle that can be bought: which plugs fit it and how fast it takes energy. An empty figure is not known."""

    class Category(models.TextChoices):  # the words of the network
        TWO_WHEELER = "2-WHEELER", _("Two-wheeler")
        THREE_WHEELER = "3-WHEELER", _("Three-wheeler")
        FOUR_WHEELER = "4-WHEELER", _("Car or van")
        BUS = "BUS", _("Bus")
        TRUCK = "TRUCK", _("Truck")

    class Source(models.TextChoices):
        BUILT_IN = "built-in", _("our own list")
        OPEN_EV_DATA = "open-ev-data", "open-ev-data"

    make = models.CharField(max_length=60)
    model = models.CharField(max_length=80)
    trim = models.CharField(max_length=80, blank=True)
    year_from = models.PositiveSmallIntegerField()
    year_to = models.PositiveSmallIntegerField(null=True, blank=True)  # empty: still made
    category = models.CharField(max_length=10, choices=Category.choices)
    battery_kwh = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    ac_standards = models.JSONField(default=list, blank=True)  # OCPI ConnectorType, sorted
    max_ac_kw = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    dc_standards = models.JSONField(default=list, blank=True)
    max_dc_kw = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    source = models.CharField(max_length=20, choices=Source.choices)

    class Meta:
        verbose_name = _("vehicle model")
        verbose_name_plural = _("vehicle models")
        ordering = ["make", "model", "-year_from", "trim"]
        constraints = [
            models.UniqueConstraint(
                fields=["make", "model", "trim", "year_from", "source"], name="one_row_per_vehicle_model"
            ),
            models.CheckConstraint(
                condition=Q(year_to=None) | Q(year_to__gte=F("year_from")), name="vehicle_years_in_order"
            ),
            models.CheckConstraint(
                condition=(Q(battery_kwh=None) | Q(battery_kwh__gt=0))
                & (Q(max_ac_kw=None) | Q(max_ac_kw__gt=0))
                & (Q(max_dc_kw=None) | Q(max_dc_kw__gt=0)),
                name="vehicle_figures_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.make} {self.model}"

    @property
    def full_name(self) -> str:
        return f"{self} {self.trim}".strip()

    @property
    def years(self) -> range:
        """The model years it was sold in; for one still sold, up to this year."""
        last = self.year_to or max(self.year_from, timezone.localdate().year)
        return range(self.year_from, last + 1)


class Vehicle(models.Model):
    """A vehicle of a driver, who drives one of them now, or none."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="vehicles")
    model = models.ForeignKey(VehicleModel, on_delete=models.PROTECT, related_name="vehicles")
    year = models.PositiveSmallIntegerField()
    name = models.CharField(_("name"), max_length=40, blank=True)  # the driver's own word for it
    is_driven = models.BooleanField(_("driven now"), default=False)
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ["added_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "model", "year"], name="one_row_per_driver_and_vehicle"),
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_driven=True), name="one_vehicle_driven_now"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.model)
