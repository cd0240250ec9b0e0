"""The names people know for the plugs of the network, and for what else a station is asked for."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

PLUG_NAMES = {
    "IEC_62196_T2_COMBO": "CCS2",
    "IEC_62196_T2": "Type 2",
    "CHADEMO": "CHAdeMO",
    "GBT_DC": "GB/T DC",
    "GBT_AC": "GB/T AC",
    "IS_17017": "IS 17017",
    "IEC_60309_2_single_16": "IEC 60309",
    "DOMESTIC_D": "15 A socket",
    "IEC_62196_T1_COMBO": "CCS1",
    "IEC_62196_T1": "Type 1 (J1772)",
    "TESLA_S": "NACS (Tesla)",
    "NEMA_5_20": "NEMA 5-20",
    "NEMA_14_50": "NEMA 14-50",
}
PICTURES = {
    "IEC_62196_T2_COMBO": "plug-ccs2",
    "IEC_62196_T1_COMBO": "plug-ccs2",
    "IEC_62196_T2": "plug-type2",
    "IEC_62196_T1": "plug-type2",
    "CHADEMO": "plug-chademo",
    "TESLA_S": "plug-nacs",
}


def plug_name(standard: str) -> str:
    """'CCS2'; a plug nobody knows keeps the word of its operator, made readable."""
    return PLUG_NAMES.get(standard) or standard.replace("_", " ")


def plug_picture(standard: str) -> str:
    return PICTURES.get(standard, "plug-socket")


# What a driver can wait with, and who may charge: the words we filter by; others are kept and shown as told.
AMENITIES = {
    "restroom": _("Restroom"),
    "food": _("Food"),
    "cafe": _("Café"),
    "shop": _("Shop"),
    "mall": _("Mall"),
    "wifi": _("Wi-Fi"),
    "hotel": _("Hotel"),
    "fuel": _("Fuel station"),
    "parking": _("Parking"),
    "park": _("Park"),
    "metro": _("Metro"),
    "train": _("Train"),
    "bus": _("Bus stop"),
}
VEHICLES = {
    "2-WHEELER": _("Two-wheeler"),
    "3-WHEELER": _("Three-wheeler"),
    "4-WHEELER": _("Car"),
    "BUS": _("Bus"),
    "TRUCK": _("Truck"),
}
SPEEDS = {
    "slow": (None, 7, _("Slow (below 7 kW)")),
    "normal": (7, 22, _("Normal (7 to 22 kW)")),
    "fast": (22, 150, _("Fast (22 to 150 kW)")),
    "ultra": (150, None, _("Ultra-fast (150 kW and up)")),
}


def speed_of(max_kw: Decimal | None) -> str:
    """The class of a power; empty when nobody told it."""
    if max_kw is None:
        return ""
    return next(name for name, (_low, below, _label) in SPEEDS.items() if below is None or max_kw < below)
