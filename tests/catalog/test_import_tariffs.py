"""OCPI Tariffs beside the stations: how they are read, which plugs get them, and what is left without a price."""

import copy
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError

from apps.catalog.importers import ocpi_tariffs
from apps.catalog.models import Connector, Tariff
from apps.catalog.services import publish_tariff, update_connector
from apps.pricing import Kind
from tests.catalog.sources import FOLDER, kept, load, location

REGULAR = json.loads((FOLDER / "ocpi_tariffs.json").read_text(encoding="utf-8"))["data"][0]
ENERGY = {"type": "ENERGY", "price": 0.3, "step_size": 1}


def tariff(**changes) -> dict:
    return {**copy.deepcopy(REGULAR), **changes}


def simple(*components: dict, **changes) -> dict:
    told = tariff(elements=[{"price_components": list(components)}], **changes)
    del told["min_price"]
    return told


@pytest.fixture
def read(tmp_path):
    def read(*entries):
        path = tmp_path / "tariffs.json"
        path.write_text(json.dumps(entries), encoding="utf-8")
        return ocpi_tariffs.read(path)

    return read


@pytest.fixture
def bring(db, tmp_path):
    """bring([tariff, …], location, …) → what the command says."""

    def bring(tariffs: list, *locations: dict, **options) -> str:
        path = tmp_path / "tariffs.json"
        path.write_text(json.dumps(tariffs), encoding="utf-8")
        return load(kept(tmp_path, *(locations or [location()])), "ocpi", tariffs=str(path), **options)

    return bring


def plug(standard: str = "IEC_62196_T2_COMBO") -> Connector:
    return Connector.objects.select_related("tariff").get(standard=standard)


# --- Reading ------------------------------------------------------------------------------------------


def test_a_tariff_is_read_with_its_elements_taxes_and_bounds():
    told = ocpi_tariffs.read(FOLDER / "ocpi_tariffs.json").by_name["nl-tst-11"]
    assert (told.source_id, told.name, told.kind) == ("NL-TST-11", "Day and night", "REGULAR")
    night, day = told.terms["elements"]
    assert night["restrictions"] == {"start_time": "22:00", "end_time": "06:00"}
    assert night["price_components"] == [{"type": "ENERGY", "price": "0.25", "step_size": 100}]
    assert [part["price"] for part in day["price_components"]] == ["0.4012", 5, "0.5"]
    assert told.terms["taxes"] == [{"name": "VAT", "percent": "21"}]
    assert (told.terms["min_price"], told.terms["max_price"]) == ("1.5", None)


def test_different_taxes_are_kept_apart(read):
    told = read(simple({**ENERGY, "vat": 9}, {"type": "FLAT", "price": 1, "vat": 21})).by_name["nl-tst-11"]
    assert told.terms["taxes"] == [
        {"name": "VAT 9 %", "percent": "9", "on": ["ENERGY"]},
        {"name": "VAT 21 %", "percent": "21", "on": ["FLAT"]},
    ]


def test_without_a_word_on_tax_there_is_none(read):
    assert read(simple(ENERGY)).by_name["nl-tst-11"].terms["taxes"] == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (tariff(type="PROFILE_GREEN"), "tariff is not for everybody"),
        (tariff(start_date_time="2999-01-01T00:00:00Z"), "tariff is not valid now"),
        (tariff(end_date_time="2020-01-01T00:00:00"), "tariff is not valid now"),
        (tariff(end_date_time="soon"), "tariff says no readable time"),
        (tariff(currency="euro"), "tariff names no currency"),
        (tariff(elements=[]), "tariff cannot be billed"),
        (tariff(elements="x"), "tariff cannot be billed"),
        (tariff(elements=[7]), "tariff cannot be billed"),
        (simple({**ENERGY, "price": -1}), "tariff cannot be billed"),
        (simple({**ENERGY, "price": "<b>"}), "tariff cannot be billed"),
        (simple({**ENERGY, "type": "LOVE"}), "tariff cannot be billed"),
        (simple({**ENERGY, "surcharge": 1}), "tariff cannot be billed"),
        (simple({"type": "TIME", "price": 3}), "tariff has no price per kWh"),
        (simple({**ENERGY, "vat": 200}), "tariff says no readable tax"),
        (tariff(min_price={"incl_vat": 3}), "tariff says no readable bound"),
        (tariff(min_price={"excl_vat": 9}, max_price={"excl_vat": 3}), "tariff cannot be billed"),
        (tariff(id=""), "tariff without a usable ID"),
        (tariff(id="x" * 37), "tariff without a usable ID"),
        ([], "tariff is not an object"),
    ],
)
def test_what_cannot_be_billed_as_told_is_left_out_with_the_reason(read, entry, reason):
    told = read(entry, simple(ENERGY, id="good"))
    assert [row.reason for row in told.skipped] == [reason]
    assert list(told.by_name) == ["nl-tst-good"]


def test_two_taxes_on_one_kind_cannot_be_billed(read):
    night = {"price_components": [{**ENERGY, "vat": 9}], "restrictions": {"start_time": "22:00"}}
    day = {"price_components": [{**ENERGY, "vat": 21}]}
    told = read(tariff(elements=[night, day]))
    assert [row.reason for row in told.skipped] == ["tariff has two taxes on one kind of price"]


def test_an_id_counts_once_for_each_party(read):
    told = read(simple(ENERGY), simple(ENERGY, party_id="OTH"), simple(ENERGY))
    assert sorted(told.by_name) == ["nl-oth-11", "nl-tst-11"]
    assert [row.reason for row in told.skipped] == ["repeated tariff ID"]


def test_of_several_the_one_without_an_agreement_counts(read):
    told = read(simple(ENERGY, id="a"), simple(ENERGY, id="b", type="AD_HOC_PAYMENT"))
    assert told.of(["NL-TST-a", "NL-TST-B"]).source_id == "NL-TST-b"
    assert told.of(["NL-TST-c"]) is None


# --- In the catalog -----------------------------------------------------------------------------------


def test_a_plug_gets_the_tariff_it_names_and_the_others_none(bring):
    bring([REGULAR])
    told = plug().tariff
    assert (told.code, told.name, told.currency, told.version) == (
        "ocpi-t-NL-TST-11",
        "Day and night",
        "EUR",
        1,
    )
    assert (told.energy_rate, told.session_fee, told.min_price) == (
        Decimal("0.4012"),
        Decimal("0.50"),
        Decimal("1.50"),
    )
    rules = told.rules("Europe/Amsterdam")
    assert [element.by_kind[Kind.ENERGY].price for element in rules.elements] == [
        Decimal("0.25"),
        Decimal("0.4012"),
    ]
    assert plug("CHADEMO").tariff is None


def test_a_price_for_the_import_is_for_plugs_that_name_no_tariff(bring):
    bring([REGULAR], energy_rate=Decimal("0.70"))
    assert plug().tariff.code == "ocpi-t-NL-TST-11"
    assert plug("CHADEMO").tariff.energy_rate == Decimal("0.70")


def test_an_unknown_tariff_leaves_the_price_not_given_and_says_so(bring):
    said = bring([tariff(id="12")], energy_rate=Decimal("0.70"))
    assert plug().tariff is None
    assert "no tariff can be used of NL-TST-11: no price for its connectors" in said


def test_the_same_again_changes_nothing_and_a_change_is_a_new_version(bring):
    bring([REGULAR])
    assert "Nothing to change" in bring([REGULAR])
    assert Tariff.objects.count() == 1
    bring([simple({**ENERGY, "price": 0.55})])
    assert (plug().tariff.version, plug().tariff.energy_rate) == (2, Decimal("0.55"))


def test_a_tariff_that_is_withdrawn_takes_its_price_away(bring):
    bring([REGULAR])
    bring([tariff(type="PROFILE_FAST")])
    assert plug().tariff is None


def test_a_tariff_set_by_hand_stays(bring):
    bring([REGULAR])
    mine = publish_tariff(
        operator=plug().evse.station.operator, code="mine", name="Mine", energy_rate=Decimal(1)
    )
    update_connector(connector=plug(), tariff=mine)
    bring([simple(ENERGY)])
    assert plug().tariff == mine


def test_what_the_columns_do_not_hold_is_a_remark_and_no_price(bring):
    said = bring([simple({**ENERGY, "price": 0.123456})])
    assert plug().tariff is None
    assert "tariff NL-TST-11 cannot be kept" in said


def test_what_was_left_out_is_in_the_report(bring, tmp_path):
    report = tmp_path / "report.csv"
    said = bring([REGULAR, tariff(id="=cmd", type="PROFILE_CHEAP")], report=report)
    assert "tariff is not for everybody" in said
    assert "NL-TST-=cmd,tariff is not for everybody,type PROFILE_CHEAP" in report.read_text()


def test_without_tariffs_nothing_is_said_of_prices(db, tmp_path):
    load(kept(tmp_path, location()), "ocpi")
    assert plug().tariff is None


def test_a_file_that_is_cut_off_imports_nothing(db, tmp_path):
    path = tmp_path / "tariffs.json"
    path.write_text('[{"id": "11"', encoding="utf-8")
    with pytest.raises(CommandError, match=r"tariffs\.json: .*Nothing was imported"):
        load(kept(tmp_path, location()), "ocpi", tariffs=str(path))
    assert not Connector.objects.exists()


def test_other_formats_have_none(db, tmp_path):
    with pytest.raises(CommandError, match="knows no tariffs"):
        load(kept(tmp_path), "ocm", tariffs="x.json")


def test_the_token_goes_to_one_host_only(db):
    with pytest.raises(CommandError, match="one host only"):
        load("https://a.example/locations", "ocpi", tariffs="https://b.example/tariffs")
