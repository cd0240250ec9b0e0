"""The charge itself: energy flowing at a connector, as the charge point tells it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Connector
from apps.lib import moves

TOLERATED_SKEW_SECONDS = 60


class Session(models.Model):
    """One try to charge one car. `reference` is who asked for it (a booking's code); empty for a walk-in with a card.

    Its primary key is the transaction id we hand to the charge point.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting for the charger")
        ACTIVE = "ACTIVE", _("Charging")
        SUSPENDED = "SUSPENDED", _("Paused")
        OFFLINE = "OFFLINE", _("Paused: site offline")
        STOPPING = "STOPPING", _("Stopping")
        ENDED_PENDING_METER = "ENDED_PENDING_METER", _("Ended, waiting for the meter")
        CLOSED = "CLOSED", _("Closed")
        FAILED = "FAILED", _("Failed")

    MOVES = {
        State.PENDING: {State.ACTIVE, State.FAILED},
        State.ACTIVE: {
            State.SUSPENDED,
            State.OFFLINE,
            State.STOPPING,
            State.ENDED_PENDING_METER,
            State.CLOSED,
        },
        State.SUSPENDED: {
            State.ACTIVE,
            State.OFFLINE,
            State.STOPPING,
            State.ENDED_PENDING_METER,
            State.CLOSED,
        },
        State.OFFLINE: {
            State.ACTIVE,
            State.SUSPENDED,
            State.STOPPING,
            State.ENDED_PENDING_METER,
            State.CLOSED,
        },
        State.STOPPING: {State.ENDED_PENDING_METER, State.CLOSED},
        # A charger that was silent for long may come back and still be charging.
        State.ENDED_PENDING_METER: {State.ACTIVE, State.CLOSED},
        State.CLOSED: set(),
        State.FAILED: set(),
    }
    FLOWING = (State.ACTIVE, State.SUSPENDED, State.OFFLINE)
    STARTED = (*FLOWING, State.STOPPING, State.ENDED_PENDING_METER)
    LIVE = (State.PENDING, *STARTED)
    # How long each state may wait; START_SECONDS of the settings for PENDING.
    PATIENCE = {
        State.ACTIVE: timedelta(minutes=15),
        State.SUSPENDED: timedelta(minutes=15),
        State.OFFLINE: timedelta(minutes=30),
        State.STOPPING: timedelta(seconds=15),
        State.ENDED_PENDING_METER: timedelta(minutes=30),
    }

    class Failure(models.TextChoices):
        """Why no charge came of it (AT-B4)."""

        NO_CABLE = "no-cable", _("No car was plugged in")
        REJECTED = "rejected", _("The charger refused")
        CHARGER_OFFLINE = "charger-offline", _("The charger did not answer")
        VEHICLE_FAULT = "vehicle-fault", _("The car or the charger reported a fault")
        TIMEOUT = "timeout", _("The charge did not begin in time")
        WITHDRAWN = "withdrawn", _("Stopped before it began")
        NO_CODE = "no-code", _("The code was not entered at the charger")
        MOVED = "moved", _("Moved to another plug")
        UNKNOWN = "unknown", _("Unknown")

    code = models.CharField(max_length=20, unique=True)
    reference = models.CharField(max_length=40, blank=True, db_index=True)
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="sessions")
    # Frozen with the session: what the plug was called when the car stood there.
    charge_point_id = models.CharField(max_length=48)
    ocpp_connector_id = models.PositiveSmallIntegerField()
    rated_kw = models.DecimalField(max_digits=6, decimal_places=1)
    token = models.CharField(max_length=40)
    limit_kwh = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    deadline_at = models.DateTimeField(null=True, blank=True, db_index=True)
    failure = models.CharField(max_length=16, choices=Failure.choices, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # The charger's own clock and register.
    started_at = models.DateTimeField(null=True, blank=True)
    meter_start_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    meter_stop_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)
    # The charger says "free" though no stop came; a stop is still expected until the deadline (AT-A1).
    unplugged_at = models.DateTimeField(null=True, blank=True)

    start_accepted_at = models.DateTimeField(null=True, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)  # when we heard that it had begun: our clock
    stop_asked_at = models.DateTimeField(null=True, blank=True)
    stop_accepted_at = models.DateTimeField(null=True, blank=True)
    stop_tries = models.PositiveSmallIntegerField(default=0)
    # A start we had given up may still be stopped for nothing until then (AT-B2).
    free_until = models.DateTimeField(null=True, blank=True)
    is_free = models.BooleanField(default=False)
    # No last register came: the last good reading is the end, and the receipt says so (AT-D4).
    is_estimated = models.BooleanField(default=False)

    # After the end: the car was seen to stand there still; it has gone, or nobody knows any more; its plug was stuck.
    is_standing = models.BooleanField(default=False)
    left_at = models.DateTimeField(null=True, blank=True)
    lock_failed_at = models.DateTimeField(null=True, blank=True)

    # What the plug said last while this car stood there, by the charger's clock; and that clock minus ours (AT-E1).
    plug_word = models.CharField(max_length=20, blank=True)
    plug_told_at = models.DateTimeField(null=True, blank=True)
    clock_skew_seconds = models.IntegerField(default=0)
    watch_at = models.DateTimeField(null=True, blank=True, db_index=True)  # when watch.py looks at it next
    reading_asked_at = models.DateTimeField(null=True, blank=True)
    stop_repeated_at = models.DateTimeField(null=True, blank=True)

    counted_start_wh = models.DecimalField(
        max_digits=16, decimal_places=3, null=True, blank=True
    )  # corrected

    # What the readings prove (metering.Proof), and the latest of the other figures.
    energy_wh = models.DecimalField(max_digits=16, decimal_places=3, default=0)
    register_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    register_at = models.DateTimeField(null=True, blank=True)
    suspect_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    suspect_at = models.DateTimeField(null=True, blank=True)
    last_reading_at = models.DateTimeField(null=True, blank=True)
    recounts = models.PositiveIntegerField(
        default=0
    )  # who remembers the course so far must look at all of it again
    power_w = models.DecimalField(max_digits=12, decimal_places=1, null=True, blank=True)
    soc_percent = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    current_a = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    voltage_v = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            # AT-C2: the same start, told again, is the same session.
            models.UniqueConstraint(
                fields=["charge_point_id", "ocpp_connector_id", "token", "started_at", "meter_start_wh"],
                name="one_session_per_start",
            ),
            models.UniqueConstraint(
                fields=["reference"],
                condition=~Q(reference="")
                & Q(
                    state__in=["PENDING", "ACTIVE", "SUSPENDED", "OFFLINE", "STOPPING", "ENDED_PENDING_METER"]
                ),
                name="one_live_session_per_reference",
            ),
            models.CheckConstraint(condition=Q(energy_wh__gte=0), name="session_energy_not_negative"),
        ]
        indexes = [
            models.Index(fields=["charge_point_id", "state"], name="sessions_of_charge_point"),
            models.Index(fields=["is_standing"], name="standing_cars", condition=Q(is_standing=True)),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def face(self) -> str:
        """The state as it is told: it also says who paused the charge, and whether the charger took the stop."""
        if self.state == self.State.SUSPENDED:
            return {"SuspendedEVSE": "SUSPENDED_EVSE", "Faulted": "FAULTED"}.get(
                self.plug_word, "SUSPENDED_EV"
            )
        if self.state == self.State.STOPPING and self.stop_accepted_at:
            return "STOP_ACCEPTED"
        return self.state

    @property
    def shown_start_wh(self) -> Decimal | None:
        """The register at the start, put right where the meter was wrong (AT-D3)."""
        return self.meter_start_wh if self.counted_start_wh is None else self.counted_start_wh

    def real(self, at: datetime) -> datetime:
        """`at` of the charger's clock, by ours, when that clock is visibly wrong (AT-E1)."""
        skew = self.clock_skew_seconds
        return at - timedelta(seconds=skew) if abs(skew) > TOLERATED_SKEW_SECONDS else at


class SessionEvent(moves.Event):
    of = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="events")


class MeterReading(models.Model):
    """One moment of the meter as the charger told it; `note` says why it is not counted, or what was odd about it."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    register_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    power_w = models.DecimalField(max_digits=12, decimal_places=1, null=True, blank=True)
    soc_percent = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    current_a = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    voltage_v = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    at_doubted = models.BooleanField(default=False)  # its clock made no sense: `at` is ours
    accepted = models.BooleanField(default=False)
    # What the session had proved up to here; null of a reading that proves no energy.
    energy_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    is_idle = models.BooleanField(default=False)  # no power, and the car or its driver is why
    # The figures above are what the meter told; with this they are counted and shown.
    correction = models.ForeignKey(
        "MeterCorrection", null=True, blank=True, on_delete=models.PROTECT, related_name="readings"
    )
    note = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["session", "at"], name="one_reading_per_moment")]

    def __str__(self) -> str:
        return f"{self.session} {self.at:%H:%M:%S}"


class MeterCorrection(models.Model):
    """Since when, and by what factor, a meter was proved to tell too much or too little (AT-D3; corrections.py)."""

    charge_point_id = models.CharField(_("charge point"), max_length=48, db_index=True)
    ocpp_connector_id = models.PositiveSmallIntegerField(
        _("plug number"), null=True, blank=True, help_text=_("Empty: every plug of the charge point.")
    )
    energy_factor = models.DecimalField(_("energy times"), max_digits=10, decimal_places=6, default=1)
    power_factor = models.DecimalField(_("power times"), max_digits=10, decimal_places=6, default=1)
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)  # this moment is the first without it
    reason = models.CharField(_("how it was proved"), max_length=300)
    made_by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-begins_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(energy_factor__gt=0) & Q(power_factor__gt=0), name="correction_factors_positive"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("begins_at")), name="correction_ends_after_begin"
            ),
        ]

    def __str__(self) -> str:
        until = f" – {self.ends_at:%Y-%m-%d %H:%M}" if self.ends_at else " –"
        return f"{self.charge_point_id} × {self.energy_factor.normalize():f}, {self.begins_at:%Y-%m-%d %H:%M}{until}"

    def holds(self, moment: datetime) -> bool:
        return self.begins_at <= moment and (self.ends_at is None or moment < self.ends_at)


class Orphan(models.Model):
    """Something a charge point said of a transaction we cannot place: kept for the operator, never dropped (AT-C3).

    Its negative primary key is the transaction id we answer an unplaceable start with.
    """

    identity = models.CharField(max_length=200, unique=True)  # told again, it is the same row
    charge_point_id = models.CharField(max_length=48)
    kind = models.CharField(max_length=20)  # of apps.ocpp.events
    transaction_id = models.BigIntegerField(null=True, blank=True)
    ocpp_connector_id = models.PositiveSmallIntegerField(null=True, blank=True)
    token = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    register_wh = models.DecimalField(max_digits=16, decimal_places=3, null=True, blank=True)
    why = models.CharField(max_length=120)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.charge_point_id} {self.kind} {self.at:%Y-%m-%d %H:%M:%S}"


class LedgerLine(models.Model):
    """What happened to a session, when, and who is responsible: written once, never changed.

    `at` is by our clock; `recorded_at` is when we learned of it. The states of a session say where it is now, this says
    how it came there, also for what arrived late or out of order. `save` refuses changes for us, a trigger (migration
    0003) for everybody else.
    """

    class Stage(models.TextChoices):
        START_ASKED = "start-asked", _("Start asked")
        START_ACCEPTED = "start-accepted", _("Charger ready")
        PLUGGED_IN = "plugged-in", _("Plugged in")
        OTHER_PLUG = "other-plug", _("A car at another plug")
        START_FAILED = "start-failed", _("Did not start")
        CHARGING = "charging", _("Charging")
        PAUSED_BY_CAR = "paused-by-car", _("Paused by the car")
        PAUSED_BY_STATION = "paused-by-station", _("Paused by the station")
        FAULT = "fault", _("Fault")
        SITE_OFFLINE = "site-offline", _("Site offline")
        STOP_ASKED = "stop-asked", _("Stop asked")
        STOP_ACCEPTED = "stop-accepted", _("Charger took the stop")
        STOPPED = "stopped", _("Stopped")
        METER_AWAITED = "meter-awaited", _("Waiting for the last reading")
        METER_FINAL = "meter-final", _("Last reading")
        METER_ESTIMATED = "meter-estimated", _("Ended on the last good reading")

    class By(models.TextChoices):
        DRIVER = "driver", _("Driver")
        CAR = "car", _("Car")
        STATION = "station", _("Station")
        GRID = "grid", _("Grid")
        OPERATOR = "operator", _("Operator")

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="ledger")
    stage = models.CharField(max_length=20, choices=Stage.choices)
    by = models.CharField(max_length=10, choices=By.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    detail = models.CharField(max_length=20, blank=True)  # a letter of a plug, a word of the charger
    why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["session", "stage", "at"], name="one_ledger_line_per_moment")
        ]

    def __str__(self) -> str:
        return f"{self.stage} by {self.by} at {self.at:%H:%M:%S}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a line of the ledger is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("a line of the ledger is never taken out")


class Concern(models.Model):
    """Something about a session that a person should look at, said once per session and kind."""

    class Kind(models.TextChoices):
        NO_ENERGY = "no-energy", _("No energy flowed")
        NO_READINGS = "no-readings", _("The meter is silent")
        REFUSED_READINGS = "refused-readings", _("Readings that cannot be")
        STOP_UNANSWERED = "stop-unanswered", _("The charger did not stop")
        RUNS_ON = "runs-on", _("Charges on after its end")
        NO_STOP = "no-stop", _("The end was never told")
        LATE_START = "late-start", _("Began after it was given up")

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="concerns")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    at = models.DateTimeField(auto_now_add=True)
    why = models.CharField(max_length=300)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["session", "kind"], name="one_concern_of_a_kind_per_session")
        ]

    def __str__(self) -> str:
        return f"{self.session} {self.kind}"


class PlugInTime(models.Model):
    """How long a charge point waits for the cable after a remote start (its ConnectionTimeOut), as it was set there."""

    charge_point_id = models.CharField(max_length=48, unique=True)
    seconds = models.PositiveSmallIntegerField(validators=[MinValueValidator(15), MaxValueValidator(900)])

    def __str__(self) -> str:
        return f"{self.charge_point_id} {self.seconds} s"
