from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire
from tests.beckn.wire import samples


def refused(action: str, message: wire.Model | None, context: wire.Context | None = None) -> str:
    with pytest.raises(wire.WireError) as caught:
        wire.check_outgoing(action, context or samples.context(action), message)
    return caught.value.path


@pytest.mark.parametrize(
    "missing",
    ["domain", "location", "version", "bap_id", "bap_uri", "bpp_id", "transaction_id", "message_id", "ttl"],
)
def test_the_context_is_always_complete(missing):
    context = samples.context("select").but(**{missing: None})
    assert refused("select", samples.messages()["select"], context).startswith(f"context.{missing}")


def test_a_multicast_search_names_no_operator():
    context = samples.context("search").but(bpp_id=None, bpp_uri=None)
    wire.check_outgoing("search", context, samples.search())


def test_the_context_belongs_to_the_action():
    assert refused("select", samples.messages()["select"], samples.context("init")) == "context.action"


def test_the_message_belongs_to_the_action():
    assert refused("select", samples.messages()["init"]) == "message"
    assert refused("select", None) == "message"
    wire.check_outgoing("on_select", samples.context("on_select"), None, error=True)


def test_a_search_names_a_place_an_operator_or_words():
    assert refused("search", wire.SearchMessage(intent=wire.Intent())) == "message.intent"


def test_an_order_has_no_id_before_it_is_confirmed():
    order = samples.choice().but(id="BK-1")
    assert refused("select", wire.SelectMessage(order=order)) == "message.order.id"


def test_an_item_without_an_amount_is_no_choice():
    order = samples.choice(items=[wire.Item(id="x")])
    assert refused("select", wire.SelectMessage(order=order)) == "message.order.items.0.quantity"


def test_the_lines_of_a_quote_add_up():
    quote = samples.quote().but(price=wire.Price.of(Decimal("239.55"), "INR"))
    order = samples.choice(items=[samples.priced_item()], quote=quote)
    assert refused("on_select", wire.OnSelectMessage(order=order)) == "message.order.quote.breakup"


def test_a_total_is_no_line():
    quote = samples.quote()
    quote = quote.but(breakup=[*quote.breakup, samples.line("total", "239.54")])
    order = samples.choice(items=[samples.priced_item()], quote=quote)
    assert refused("on_select", wire.OnSelectMessage(order=order)) == "message.order.quote.breakup"


def test_items_point_at_stations_of_the_same_catalog():
    catalog = samples.catalog()
    lost = samples.offered_item().but(location_ids=["elsewhere"])
    provider = catalog.providers[0].but(items=[lost])
    message = wire.OnSearchMessage(catalog=catalog.but(providers=[provider]))
    assert refused("on_search", message).endswith("items.0.location_ids")


def test_an_empty_catalog_may_be_sent():
    empty = wire.Catalog(descriptor=wire.Descriptor(name="Garden City network"), providers=[])
    wire.check_outgoing("on_search", samples.context("on_search"), wire.OnSearchMessage(catalog=empty))
    assert wire.OnSearchMessage(catalog=empty).to_wire()["catalog"]["providers"] == []


def test_numbers_passed_on_from_peers_are_plain():
    measure = wire.Scalar.read({"value": "12kWh", "unit": "kWh"})
    item = wire.Item(id="x", quantity=wire.ItemQuantity(selected=wire.Quantity(measure=measure)))
    path = refused("select", wire.SelectMessage(order=samples.choice(items=[item])))
    assert path == "message.order.items.0.quantity.selected.measure.value"


@pytest.mark.parametrize("value", ["0", "5.5", "4.3"])
def test_stars_go_from_one_to_five_in_halves(value):
    rating = wire.Rating(id="BK-1", rating_category="Order", value=value)
    assert refused("rating", wire.RatingMessage(ratings=[rating])) == "message.ratings.0.value"


def test_a_cancellation_says_who_cancelled():
    order = samples.cancelled().but(cancellation=None)
    assert refused("on_cancel", wire.OnCancelMessage(order=order)) == "message.order.cancellation"


def test_timestamps_go_out_in_utc_with_milliseconds():
    context = samples.context("select").but(timestamp=datetime(2026, 11, 22, 6, 30, tzinfo=UTC))
    assert context.timestamp == "2026-11-22T06:30:00.000Z"
    late = context.but(timestamp="2026-11-22T12:00:00+05:30")
    assert refused("select", samples.messages()["select"], late) == "context.timestamp"
