"""Catalogs as operators send them: tidy ones, and weird but legal ones."""

from typing import Any


def tags(group: str, **pairs: Any) -> dict[str, Any]:
    code = {} if not group else {"descriptor": {"code": group}}
    entries = [
        {"descriptor": {"code": key.replace("_", "-")}, "value": value}
        for key, value in pairs.items()
        if value is not None
    ]
    return {**code, "list": entries}


def item(
    item_id: str = "plug-1", *, place: str = "st-1", point: str = "cp-1", price: Any = "18.50", **facts: Any
) -> dict:
    said = {
        "connector_id": "A",
        "charger_type": "DC",
        "connector_type": "IEC_62196_T2_COMBO",
        "power_rating": "60kW",
        "availability": "Available",
        **facts,
    }
    return {
        "id": item_id,
        "descriptor": {"code": "energy", "name": "CCS2, 60 kW"},
        "price": {"value": price, "currency": "INR/kWH"},
        "location_ids": [place],
        "fulfillment_ids": ["cp-1"],
        "tags": [tags("connector-specifications", **said)],
    }


def location(
    place: str = "st-1", *, gps: str = "12.971600,77.594600", name: str = "Cubbon Park Plaza"
) -> dict:
    return {
        "id": place,
        "gps": gps,
        "descriptor": {"name": name},
        "address": "Kasturba Road",
        "city": {"name": "Bengaluru", "code": "std:080"},
    }


def provider(provider_id: str = "sparkdock", **parts: Any) -> dict:
    return {
        "id": provider_id,
        "descriptor": {"name": "SparkDock"},
        "locations": [location()],
        "fulfillments": [{"id": "cp-1", "type": "CHARGING"}],
        "items": [item()],
        **parts,
    }


def catalog(*providers: dict) -> dict:
    return {"descriptor": {"name": "Network"}, "providers": list(providers or [provider()])}
