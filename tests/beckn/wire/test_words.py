from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy


@pytest.mark.parametrize(
    ("text", "charger", "expected"),
    [
        ("CCS2", None, "IEC_62196_T2_COMBO"),
        ("iec_62196_t2_combo", None, "IEC_62196_T2_COMBO"),
        ("Type 2", None, "IEC_62196_T2"),
        ("J1772", None, "IEC_62196_T1"),
        ("CHAdeMO", None, "CHADEMO"),
        ("GB/T", "DC", "GBT_DC"),
        ("GB_T", "AC", "GBT_AC"),
        ("GB/T", None, None),
        ("IEC_60309_2_SINGLE_16", None, "IEC_60309_2_single_16"),
        ("TYPE_6", None, "TYPE_6"),
        ("Banana", None, None),
        (None, None, None),
    ],
)
def test_connectors_have_many_names(text, charger, expected):
    assert taxonomy.connector_type(text, charger) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("charging started", "charging-started"),
        ("CHARGING_STARTED", "charging-started"),
        ("pehicle getting charged", "charging-started"),
        ("CONNECTION-INTERRUPTED", "charging-started"),
        ("end-chargin", "end-charging"),
        ("COMPLETED", "charging-ended"),
        ("Booking-cancelled", "order-cancelled"),
        ("Order-confirmed", "payment-completed"),
        ("dreaming", None),
    ],
)
def test_state_codes_have_many_spellings(text, expected):
    assert taxonomy.state_code(text) == expected


def test_an_interruption_is_told_from_a_running_charge():
    assert taxonomy.is_interruption("Connection-Interrupted")
    assert not taxonomy.is_interruption("charging-started")


@pytest.mark.parametrize("text", ["END", "end", "STOP", "FINISH", "finish", "END-CHARGING"])
def test_the_end_of_a_stop_has_six_spellings(text):
    assert taxonomy.stop_type(text) == "finish"


def test_other_words_are_read_in_any_case():
    assert taxonomy.availability("Unvailable") == "Unavailable"
    assert taxonomy.availability("IN USE") == "Charging"
    assert taxonomy.availability("Online") is None
    assert taxonomy.payment_status("NOT_PAID") == "NOT-PAID"
    assert taxonomy.payment_type("ON-ORDER") == "PRE-ORDER"
    assert taxonomy.collected_by("bap") == "BAP"
    assert taxonomy.charger_type("ac_3_phase") == "AC"
    assert taxonomy.vehicle_category("4 wheeler") == "4-WHEELER"
    assert taxonomy.order_status("completed") == "COMPLETE"
    assert taxonomy.cancellation_code("5") == "CANNOT_ATTEND"
    assert taxonomy.cancellation_code("77") is None


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("energy-cost", "energy-cost"),
        ("Charging session cost", "energy-cost"),
        ("Service Tax", "gst"),
        ("Service fee", "service-charge"),
        ("Cancellation fee incl. GST", "cancellation-fee"),
        ("payment refund", "refund"),
        ("TOTAL", "total"),
        ("mystery", None),
    ],
)
def test_bill_lines_are_known_by_their_words(title, expected):
    assert taxonomy.breakup_title(title) == expected


def test_tags_are_found_whatever_their_spelling():
    groups = wire.Item.read(
        {
            "tags": [
                {
                    "descriptor": {"name": "Connector Specifications"},
                    "list": [
                        {"descriptor": {"code": "Connector_Type"}, "value": "CCS2"},
                        {"descriptor": {"name": "vehicle type"}, "value": "4-WHEELER"},
                        {"descriptor": {"code": "VEHICLE-TYPE"}, "value": "BUS"},
                        {"descriptor": {"code": "power-rating"}, "value": 60},
                        {"descriptor": {"code": "deep"}, "value": {"a": [1]}},
                        {"value": "nameless"},
                    ],
                },
                {"list": [{"descriptor": {"code": "green"}, "value": True}]},
            ]
        }
    ).tags
    assert wire.read_tags(groups) == {
        "connector-specifications": {
            "connector-type": ["CCS2"],
            "vehicle-type": ["4-WHEELER", "BUS"],
            "power-rating": ["60"],
        },
        "": {"green": ["true"]},
    }
    assert wire.first_tag(groups, "power-type", "power-rating") == "60"
    assert wire.first_tag(groups, "nothing") == ""


def test_a_group_is_written_in_kebab_case():
    group = wire.group(
        "charging-options", "Charging Options", charging_by="AMOUNT", charging_limit=Decimal(400), note=None
    )
    assert group.to_wire() == {
        "descriptor": {"code": "charging-options", "name": "Charging Options"},
        "list": [
            {"descriptor": {"code": "charging-by"}, "value": "AMOUNT"},
            {"descriptor": {"code": "charging-limit"}, "value": "400"},
        ],
    }
