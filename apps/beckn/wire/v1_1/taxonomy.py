"""The words of the network and their many spellings (fact sheet 6). Unknown stays unknown: None."""

import re
from functools import lru_cache

LONGEST = 80  # what is longer is no word of any network, and not worth remembering


def _key(text: str | None) -> str:
    if not text:
        return ""
    return _squeezed_before(text) if len(text) <= LONGEST else _squeezed(text)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_/.-]+", "", text.lower())


# A catalog says the same few words for every plug.
_squeezed_before = lru_cache(maxsize=2048)(_squeezed)


def _table(*rows: tuple[str, ...]) -> dict[str, str]:
    """Each row: our spelling, then what counts as the same."""
    return {_key(word): row[0] for row in rows for word in row}


_SAME_CONNECTORS = (
    ("IEC_62196_T2_COMBO", "CCS2", "CCS", "CCS-2", "CCS Type 2"),
    ("IEC_62196_T1_COMBO", "CCS1", "CCS-1", "CCS Type 1", "J1772COMBO"),
    ("IEC_62196_T2", "TYPE2", "Type 2", "IEC-62196-2"),
    ("IEC_62196_T1", "TYPE1", "Type 1", "J1772"),
    ("CHADEMO", "CHAdeMO"),
    ("GBT_AC",),
    ("GBT_DC",),
    ("CHAOJI",),
    ("IEC_62196_T3A",),
    ("IEC_62196_T3C",),
    ("IEC_60309_2_single_16",),
    ("IEC_60309_2_three_16",),
    ("IEC_60309_2_three_32",),
    ("IEC_60309_2_three_64",),
    ("DOMESTIC_D", "15A", "3-pin"),
    ("NEMA_5_20", "NEMA520"),
    ("TESLA_R",),
    ("TESLA_S", "TESLA", "NACS", "SAE_J3400"),
)
CONNECTOR_TYPES = (
    *(row[0] for row in _SAME_CONNECTORS),
    *(f"DOMESTIC_{letter}" for letter in "ABCEFGHIJKLMNO"),
    *("NEMA_6_30", "NEMA_6_50", "NEMA_10_30", "NEMA_10_50", "NEMA_14_30", "NEMA_14_50"),
    *("PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN"),
    *("CHOGORI", "TYPE_6", "TYPE_7", "IS_17017", "ANDERSON", "SWAPPING"),
)
_CONNECTORS = _table(*_SAME_CONNECTORS, *((name,) for name in CONNECTOR_TYPES))

CHARGER_TYPES = ("AC", "DC")
_CHARGERS = _table(
    ("AC", "AC_1_PHASE", "AC_SINGLE_PHASE", "AC_2_PHASE", "AC_3_PHASE", "AC_SLOW", "AC_FAST"),
    ("DC", "DC_FAST", "DC_ULTRA"),
)

AVAILABILITY = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
    "Offline",
)
_AVAILABILITY = _table(
    ("Available", "Free"),
    ("Preparing",),
    ("Charging", "In Use", "Occupied", "Busy"),
    ("SuspendedEV",),
    ("SuspendedEVSE",),
    ("Finishing",),
    ("Reserved", "Blocked"),
    ("Unavailable", "Unvailable", "Maintenance", "Closed", "Inoperative"),
    ("Faulted", "Out of order", "OutOfOrder"),
    ("Offline",),
)

STATE_CODES = (
    "order-initiated",
    "payment-completed",
    "start-charging",
    "charging-started",
    "end-charging",
    "charging-ended",
    "order-cancelled",
)
_STATES = _table(
    ("order-initiated", "CREATED", "ORDER_PLACED"),
    ("payment-completed", "PENDING", "CONFIRMED", "Order-confirmed", "ORDER_PROCESSING"),
    ("start-charging", "start-chargin", "charging-start", "START"),
    ("charging-started", "ACTIVE", "pehicle getting charged", "vehicle getting charged", "INPROGRESS"),
    # A lost link or a pausing car is still a running charge; is_interruption tells it.
    ("charging-started", "CONNECTION-INTERRUPTED", "INTERRUPTED", "SUSPENDED_EV", "SUSPENDED_EVSE"),
    ("end-charging", "end-chargin", "STOP", "END", "FINISHING"),
    ("charging-ended", "COMPLETED", "COMPLETE", "ORDER_FULFILLED", "ORDER_PARTIALLY_FULFILLED"),
    ("order-cancelled", "Booking-cancelled", "CANCELLED", "charger-error", "FAILED", "REJECTED", "INVALID"),
)
_INTERRUPTIONS = {
    _key(word) for word in ("CONNECTION-INTERRUPTED", "INTERRUPTED", "SUSPENDED_EV", "SUSPENDED_EVSE")
}

_ORDER_STATUS = _table(
    ("ACTIVE", "CONFIRMED", "SOFT_CANCEL"),
    ("COMPLETE", "COMPLETED"),
    ("CANCELLED", "CANCELED"),
)
_STOPS = _table(("start", "START-CHARGING"), ("finish", "END", "STOP", "END-CHARGING"))

PAYMENT_TYPES = ("PRE-ORDER", "PRE-FULFILLMENT", "ON-FULFILLMENT", "POST-FULFILLMENT")
_PAYMENT_TYPES = _table(("PRE-ORDER", "ON-ORDER"), *((name,) for name in PAYMENT_TYPES[1:]))
_PAYMENT_STATUS = _table(
    ("PAID", "COMPLETED", "CAPTURED", "SETTLED", "REFUNDED"), ("NOT-PAID", "UNPAID", "INITIATED", "PENDING")
)
_COLLECTORS = _table(("BAP", "BUYER"), ("BPP", "SELLER"))

BREAKUP_TITLES = (
    "energy-cost",
    "service-charge",
    "platform-fee",
    "parking-fee",
    "gst",
    "reservation-fee",
    "idle-fee",
    "time-cost",
    "minimum-price",
    "discount",
    "cancellation-fee",
    "add-on",
    "refund",
    "total",
)
# Tried in this order: 'cancellation fee incl. gst' is a cancellation fee, 'service tax' is a tax.
_BREAKUP_KEYWORDS = (
    ("refund", ("refund",)),
    ("cancellation-fee", ("cancel",)),
    ("discount", ("discount", "offer", "coupon")),
    ("idle-fee", ("idle", "overstay")),
    ("reservation-fee", ("reserv", "booking")),
    ("parking-fee", ("parking",)),
    ("gst", ("gst", "tax", "vat")),
    ("platform-fee", ("platform", "finder", "convenience")),
    ("energy-cost", ("energy", "charging session", "charging cost", "unit", "kwh", "electric")),
    ("service-charge", ("service", "fee", "surcharge")),
    ("add-on", ("add on", "extra")),
    ("total", ("total",)),
)

VEHICLE_CATEGORIES = ("2-WHEELER", "3-WHEELER", "4-WHEELER", "BUS", "TRUCK")
_VEHICLES = _table(
    ("2-WHEELER", "TWO_WHEELER", "SCOOTER", "MOTORCYCLE", "2W"),
    ("3-WHEELER", "THREE_WHEELER", "AUTO_RICKSHAW", "3W"),
    ("4-WHEELER", "FOUR_WHEELER", "CAR", "4W"),
    ("BUS",),
    ("TRUCK", "LORRY"),
)

_GREEN_CATEGORIES = {_key(code) for code in ("green-tariff", "green", "green-energy")}

# id → (code, who may use it)
CANCELLATION_REASONS = {
    "1": ("TECHNICAL_ISSUE", "CONSUMER"),
    "2": ("USER_CANCELLED", "CONSUMER"),
    "3": ("CONNECTOR_MISMATCH", "CONSUMER"),
    "4": ("LONG_WAIT", "CONSUMER"),
    "5": ("CANNOT_ATTEND", "CONSUMER"),
    "11": ("HARDWARE_FAILURE", "PROVIDER"),
    "12": ("NO_SHOW", "PROVIDER"),
    "13": ("PAYMENT_TIMEOUT", "PROVIDER"),
    "14": ("STATION_CLOSED", "PROVIDER"),
    "15": ("GRID_EMERGENCY", "PROVIDER"),
    "99": ("PROVIDER_CANCELLED", "PROVIDER"),
}
REFUND_TYPES = (
    "CANCELLATION_REFUND",
    "OVERCHARGE_REFUND",
    "FAILED_SESSION_REFUND",
    "DUPLICATE_PAYMENT_REFUND",
    "SERVICE_ISSUE_REFUND",
)
REFUND_STATUSES = ("REQUESTED", "APPROVED", "REJECTED", "PROCESSING", "REFUNDED", "FAILED")
_REFUND_TYPES = _table(
    *((name, name.removesuffix("_REFUND"), f"{name.removesuffix('_REFUND')}-REFUND") for name in REFUND_TYPES)
)
_REFUND_STATUSES = _table(
    ("REQUESTED", "PENDING"),
    ("APPROVED", "ACCEPTED"),
    ("REJECTED", "DECLINED", "DENIED"),
    ("PROCESSING", "INITIATED", "SENT"),
    ("REFUNDED", "COMPLETED", "SETTLED", "PAID"),
    ("FAILED",),
)
# Ours; peers agree on theirs (fact sheet 10). R03 is the one of its example.
REFUND_REASONS = {
    "R01": "OVERCHARGE_REFUND",
    "R02": "FAILED_SESSION_REFUND",
    "R03": "SERVICE_ISSUE_REFUND",
    "R04": "DUPLICATE_PAYMENT_REFUND",
    "R05": "CANCELLATION_REFUND",
}

ERROR_MEANINGS = {
    "30000": "Invalid request",
    "30001": "Provider not found",
    "30002": "Provider location not found",
    "30003": "Provider category not found",
    "30004": "Item not found",
    "30005": "Category not found",
    "30006": "Offer not found",
    "30007": "Add-on not found",
    "30008": "Fulfillment unavailable",
    "30009": "Fulfillment provider unavailable",
    "30010": "Order not found",
    "30011": "Invalid cancellation reason",
    "30012": "Invalid update target",
    "30013": "Update touches fields outside its target",
    "30014": "Rated entity not found",
    "30015": "Invalid rating value",
    "40000": "Business error",
    "40001": "Action not applicable",
    "40002": "Item quantity unavailable",
    "40003": "Quote unavailable",
    "40004": "Payment not supported",
    "40005": "Tracking not supported",
    "40006": "Fulfillment agent unavailable",
    "50000": "Policy error",
    "50001": "Cancellation not possible",
    "50002": "Update not possible",
    "50003": "Rating category unsupported",
    "50004": "Support unavailable",
}


def connector_type(text: str | None, charger: str | None = None) -> str | None:
    """The OCPI constant for any known spelling; `charger` (AC/DC) settles the ambiguous 'GB/T'."""
    if _key(text) == "gbt":
        return {"AC": "GBT_AC", "DC": "GBT_DC"}.get(charger_type(charger) or "")
    return _CONNECTORS.get(_key(text))


def charger_type(text: str | None) -> str | None:
    return _CHARGERS.get(_key(text))


def availability(text: str | None) -> str | None:
    """OCPP 1.6 words, plus Offline. Nothing but Available means that a car may come now."""
    return _AVAILABILITY.get(_key(text))


def state_code(text: str | None) -> str | None:
    """The canonical P1 code; None for codes nobody knows: the domain state then stays as it is."""
    return _STATES.get(_key(text))


def is_interruption(text: str | None) -> bool:
    return _key(text) in _INTERRUPTIONS


def order_status(text: str | None) -> str | None:
    return _ORDER_STATUS.get(_key(text))


def stop_type(text: str | None) -> str | None:
    """'start' or 'finish' for the six spellings of pitfall 13."""
    return _STOPS.get(_key(text))


def payment_type(text: str | None) -> str | None:
    return _PAYMENT_TYPES.get(_key(text))


def payment_status(text: str | None) -> str | None:
    return _PAYMENT_STATUS.get(_key(text))


def collected_by(text: str | None) -> str | None:
    return _COLLECTORS.get(_key(text))


def refund_type(text: str | None) -> str | None:
    return _REFUND_TYPES.get(_key(text))


def refund_status(text: str | None) -> str | None:
    return _REFUND_STATUSES.get(_key(text))


def breakup_title(text: str | None) -> str | None:
    """The taxonomy code of a quote line, by keyword; keep the raw title beside it."""
    spaced = re.sub(r"[\s_-]+", " ", (text or "").strip().lower())
    if spaced.replace(" ", "-") in BREAKUP_TITLES:
        return spaced.replace(" ", "-")
    return next((code for code, words in _BREAKUP_KEYWORDS if any(word in spaced for word in words)), None)


def vehicle_category(text: str | None) -> str | None:
    return _VEHICLES.get(_key(text))


def is_green_category(code: str | None) -> bool:
    return _key(code) in _GREEN_CATEGORIES


def cancellation_code(reason_id: str | None) -> str | None:
    return CANCELLATION_REASONS.get((reason_id or "").strip(), (None,))[0]
