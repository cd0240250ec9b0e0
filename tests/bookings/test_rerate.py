"""Bills set right after a tariff mistake: compared first, credited after, never charged again."""

from copy import copy
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.beckn.wire import v1_1 as wire
from apps.bookings import concessions, progress, refusals, rerate, rerate_page
from apps.bookings.models import Booking, Concession, Invoice, ReratedBill, Rerating
from apps.catalog.models import Staff
from apps.charging import corrections
from apps.charging.models import Session
from tests.bookings.doubles import App
from tests.factory import NOON
from tests.orders.test_race import at_once

State, Outcome = Rerating.State, ReratedBill.Outcome


@pytest.fixture
def billed(app, placed, charger) -> Booking:
    """10 kWh for 230.10 INR: 18.50 a kWh and 10 for the session, with 18 % tax."""
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    app.news()
    return app.booking()


@pytest.fixture
def operator(app):
    return app.plug.evse.station.operator


@pytest.fixture
def finance(factory, operator):
    return factory.make_staff(operator, role=Staff.Role.FINANCE)


@pytest.fixture
def boss(factory, operator):
    return factory.make_staff(operator, role=Staff.Role.MANAGER)


@pytest.fixture
def right(factory, operator):
    """15.00 instead of 18.50: 188.80."""
    return factory.make_tariff(operator, session_fee=Decimal(10), energy_rate=Decimal(15))


def prepared(by, tariff, booking: Booking, **more) -> Rerating:
    how = {"instead_of": booking.tariff, "reason": "The price of May was charged in June"} | more
    return rerate.prepare(by=by, tariff=tariff, **how)


def compared(rerating: Rerating) -> Rerating:
    while rerate.compare_due():
        pass
    rerating.refresh_from_db()
    return rerating


def credited(rerating: Rerating) -> Rerating:
    while rerate.credit_due():
        pass
    rerating.refresh_from_db()
    return rerating


def outcomes(rerating: Rerating) -> list[tuple]:
    return list(rerating.bills.values_list("outcome", "old_total", "new_total"))


def test_a_comparison_says_old_new_and_difference_and_touches_no_deal(app, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    assert (rerating.state, rerating.wanted) == (State.COMPARED, 1)
    (bill,) = rerating.bills.all()
    assert (bill.old_total, bill.new_total, bill.difference) == (
        Decimal("230.10"),
        Decimal("188.80"),
        Decimal("-41.30"),
    )
    said = {line["title"]: line["amount"] for line in bill.new_lines}
    assert said == {"energy-cost": "150.00", "service-charge": "10.00", "gst": "28.80"}
    assert app.news() == []
    assert (Invoice.objects.count(), Concession.objects.count()) == (1, 0)


def test_the_credit_is_a_note_and_a_corrected_invoice_and_the_app_is_told(app, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    rerate.let_go(rerating, by=finance)
    assert credited(rerating).state == State.DONE
    booking = app.booking()
    assert (booking.final_total, booking.conceded_total) == (Decimal("230.10"), Decimal("41.30"))
    first, note, corrected = Invoice.objects.order_by("pk")
    assert (note.reverses, note.total, corrected.total) == (first, first.total, Decimal("188.80"))
    assert [line["amount"] for line in corrected.lines] == ["150.00", "10.00", "28.80"]
    assert sum(row.signed_total for row in Invoice.objects.all()) == Decimal("188.80")  # AT-J5
    order = wire.Order.read(app.the_news()["message"]["order"])
    (row,) = wire.read_refunds(order.payments, "INR")
    assert (row.status, row.amount, row.type) == ("APPROVED", Decimal("41.30"), "OVERCHARGE_REFUND")
    assert (row.corrects, row.words) == (first.name, "The price of May was charged in June")
    concession = Concession.objects.get()
    assert (concession.decided_by, concession.rerated) == (finance, rerating.bills.get())


def test_a_second_run_finds_and_makes_nothing(app, billed, finance, right):
    for _round in range(2):
        rerating = compared(prepared(finance, right, billed))
        rerate.let_go(rerating, by=finance)
        rerate.let_go(rerating, by=finance)
        credited(rerating)
    assert outcomes(rerating) == [(Outcome.SAME, Decimal("188.80"), Decimal("188.80"))]
    assert (Concession.objects.count(), Invoice.objects.count()) == (1, 3)


def test_two_comparisons_of_one_mistake_credit_it_once(app, billed, finance, right):
    first, second = (prepared(finance, right, billed) for _ in range(2))
    for rerating in (first, second):
        compared(rerating)
    for rerating in (first, second):
        rerate.let_go(rerating, by=finance)
        credited(rerating)
    assert [bill.outcome for bill in ReratedBill.objects.order_by("rerating_id")] == [
        Outcome.CREDITED,
        Outcome.OVERTAKEN,
    ]
    assert app.booking().conceded_total == Decimal("41.30")


def test_what_was_too_little_is_borne_by_the_operator(app, billed, finance, factory, operator):
    dearer = factory.make_tariff(operator, session_fee=Decimal(10), energy_rate=Decimal(20))
    rerating = compared(prepared(finance, dearer, billed))
    assert outcomes(rerating) == [(Outcome.BORNE, Decimal("230.10"), Decimal("247.80"))]
    rerate.let_go(rerating, by=finance)
    credited(rerating)
    assert (app.booking().conceded_total, app.news()) == (0, [])


def test_never_beyond_the_quote_and_never_more_energy_than_was_billed(
    app, billed, finance, factory, operator
):
    dear = factory.make_tariff(operator, session_fee=Decimal(10), energy_rate=Decimal(90))
    assert compared(prepared(finance, dear, billed)).bills.get().new_total == billed.quote_total


def test_a_favour_stays_on_top_of_the_correction(app, billed, finance, right):
    favour = Concession.objects.create(
        code="RFD-FAVOUR",
        booking=billed,
        app_ref="favour",
        asked_amount=Decimal(50),
        amount=Decimal(50),
        type="SERVICE_ISSUE_REFUND",
    )
    concessions.agree(favour, by=finance)
    rerating = compared(prepared(finance, right, billed))
    rerate.let_go(rerating, by=finance)
    credited(rerating)
    assert app.booking().conceded_total == Decimal("91.30")
    assert Invoice.objects.last().total == Decimal("138.80")
    assert sum(Decimal(line["amount"]) for line in Invoice.objects.last().lines) == Decimal("138.80")


def test_an_overcharge_agreed_before_is_part_of_the_correction(app, billed, finance, right):
    claim = Concession.objects.create(
        code="RFD-CLAIM",
        booking=billed,
        app_ref="claim",
        asked_amount=Decimal("41.30"),
        amount=Decimal("41.30"),
        type="OVERCHARGE_REFUND",
    )
    concessions.agree(claim, by=finance)
    assert outcomes(compared(prepared(finance, right, billed)))[0][0] == Outcome.SAME


def test_more_than_is_left_of_the_bill_is_not_credited(app, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    Booking.objects.update(conceded_total=Decimal("200.00"))
    rerate.let_go(rerating, by=finance)
    credited(rerating)
    assert rerating.bills.get().outcome == Outcome.OVERTAKEN
    assert not Concession.objects.exists()


@pytest.mark.parametrize("spoilt", ["readings", "currency", "session"])
def test_what_cannot_be_compared_says_why(app, billed, finance, factory, operator, right, spoilt):
    if spoilt == "readings":
        Session.objects.update(energy_wh=Decimal(7000))
    elif spoilt == "session":
        Session.objects.update(reference="another")
    else:
        right = factory.make_tariff(operator, currency="USD")
    bill = compared(prepared(finance, right, billed)).bills.get()
    assert bill.outcome == Outcome.UNCLEAR
    assert bill.words
    assert bill.old_total == bill.new_total


def test_a_price_by_time_is_made_of_the_readings_of_a_charge_that_was_sold_by_energy(
    app, placed, charger, finance, factory, operator
):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.meter(number, (NOON + timedelta(minutes=6), 6000))
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    by_time = factory.make_tariff(
        operator,
        elements=[{"price_components": [{"type": "TIME", "price": 60, "step_size": 60}]}],
    )
    bill = compared(prepared(finance, by_time, app.booking())).bills.get()
    assert bill.new_total == Decimal("14.16")  # 12 minutes at 60 an hour, and 18 %


# --- A meter that was corrected (AT-D3) ---------------------------------------------------------------------------


def correct(factor: str, **more):
    facts = {"ocpp_connector_id": None, "power_factor": Decimal(1), "begins_at": NOON, "ends_at": None} | more
    return corrections.add(
        charge_point_id="CP-1",
        energy_factor=Decimal(factor),
        reason="measured with a second meter",
        by="mira",
        **facts,
    )


def test_a_meter_that_told_too_much_gives_a_credit_under_the_same_tariff(app, billed, finance):
    correct("0.5")
    rerating = compared(prepared(finance, billed.tariff, billed))
    bill = rerating.bills.get()
    assert (bill.outcome, bill.new_total) == (
        Outcome.CREDIT,
        Decimal("120.95"),
    )  # 5 kWh for 92.50, 10, and 18 %
    assert bill.words
    energy = [line.energy for line in rerate_page.lines(bill) if line.energy]
    assert energy == ["10 → 5 kWh"]
    rerate.let_go(rerating, by=finance)
    credited(rerating)
    assert app.booking().conceded_total == Decimal("109.15")
    assert Invoice.objects.last().lines[0]["kwh"] == "5"
    assert compared(prepared(finance, billed.tariff, billed)).bills.get().outcome == Outcome.SAME


@pytest.mark.parametrize(
    "factor, outcome, total",
    [
        ("1.1", Outcome.BORNE, "251.93"),  # 11 kWh
        ("3", Outcome.UNCLEAR, "230.10"),  # 30 kWh in twelve minutes from a plug of 60 kW
    ],
)
def test_a_meter_that_told_too_little_is_borne_or_is_for_a_person(billed, finance, factor, outcome, total):
    correct(factor)
    bill = compared(prepared(finance, billed.tariff, billed)).bills.get()
    assert (bill.outcome, bill.new_total, bool(bill.words)) == (outcome, Decimal(total), True)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"begins_at": NOON + timedelta(minutes=13)},
        {"begins_at": NOON - timedelta(hours=2), "ends_at": NOON},
        {"ocpp_connector_id": 2},
    ],
)
def test_a_correction_of_another_time_or_plug_changes_no_bill(billed, finance, elsewhere):
    correct("0.5", **elsewhere)
    bill = compared(prepared(finance, billed.tariff, billed)).bills.get()
    assert (bill.outcome, bill.words) == (Outcome.SAME, "")


def test_a_correction_that_was_withdrawn_gives_back_what_it_had_added(app, placed, charger, finance):
    app.update("start-charging")
    correction = correct("2")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=6_000, at=NOON + timedelta(minutes=12))
    assert app.booking().final_total == Decimal("230.10")  # 5 kWh, counted as 10
    corrections.end(correction, at=correction.begins_at, by="mira")
    bill = compared(prepared(finance, placed.tariff, app.booking())).bills.get()
    assert (bill.outcome, bill.new_total) == (Outcome.CREDIT, Decimal("120.95"))


def test_a_price_by_time_and_energy_is_made_of_the_corrected_course(
    app, placed, charger, finance, factory, operator
):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.meter(number, (NOON + timedelta(minutes=6), 6000))
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    elements = [
        {"price_components": [{"type": "ENERGY", "price": 10, "step_size": 1}]},
        {"price_components": [{"type": "TIME", "price": 60, "step_size": 60}]},
    ]
    by_both = factory.make_tariff(operator, elements=elements)
    correct("0.5", ends_at=NOON + timedelta(minutes=30))
    bill = compared(prepared(finance, by_both, app.booking())).bills.get()
    assert bill.new_total == Decimal("73.16")  # 5 kWh for 50, 12 minutes for 12, and 18 %


# --- Which bills --------------------------------------------------------------------------------------------------


def test_what_narrows(app, billed, finance, right, factory, operator):
    plug, station = billed.connector, billed.evse.station
    for some in (
        {"station": station},
        {"connector": plug},
        {"orders": [billed.code]},
        {"ended_from": NOON - timedelta(hours=1), "ended_until": NOON + timedelta(hours=1)},
    ):
        assert prepared(finance, right, billed, instead_of=None, **some).wanted == 1
    elsewhere = factory.make_station(operator)
    for none in (
        {"station": elsewhere},
        {"orders": ["BK-OTHER"]},
        {"ended_from": NOON + timedelta(hours=1)},
        {"ended_from": NOON - timedelta(hours=2), "ended_until": NOON - timedelta(hours=1)},
    ):
        with pytest.raises(refusals.NotApplicable):
            prepared(finance, right, billed, **none)


def test_everything_at_once_and_nothing_said_are_refused(billed, finance, right, monkeypatch):
    with pytest.raises(refusals.NotApplicable, match="which bills"):
        prepared(finance, right, billed, instead_of=None)
    with pytest.raises(refusals.NotApplicable, match="why"):
        prepared(finance, right, billed, reason="  ")
    monkeypatch.setattr(rerate, "MOST", 0)
    with pytest.raises(refusals.NotApplicable, match="too many"):
        prepared(finance, right, billed)


def test_a_fee_for_leaving_is_not_re_rated(app, placed, finance, right):
    app.about("cancel", cancellation_reason_id="2")
    with pytest.raises(refusals.NotApplicable):
        prepared(finance, right, app.booking())


# --- Who ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["viewer", "another operator", "support", "nobody"])
def test_who_may_not(factory, app, billed, finance, right, operator, who):
    stranger = {
        "viewer": lambda: factory.make_staff(operator, role=Staff.Role.VIEWER),
        "another operator": lambda: factory.make_staff(factory.make_operator(), role=Staff.Role.MANAGER),
        "support": lambda: factory.make_user(is_staff=True),
        "nobody": lambda: factory.make_user(),
    }[who]()
    rerating = compared(prepared(finance, right, billed))
    for act in (rerate.let_go, rerate.approve, rerate.withdraw):
        with pytest.raises(refusals.NotYours):
            act(rerating, by=stranger)
    with pytest.raises(refusals.NotYours):
        prepared(stranger, right, billed)
    assert Rerating.objects.get().state == State.COMPARED


def test_rows_of_another_operator_cannot_be_chosen(factory, billed, finance, right):
    foreign = factory.make_priced_connector()
    for wrong in (
        {"connector": foreign},
        {"station": foreign.evse.station},
        {"instead_of": foreign.tariff},
    ):
        with pytest.raises(refusals.NotYours):
            prepared(finance, right, billed, **wrong)
    with pytest.raises(refusals.NotYours):
        prepared(finance, foreign.tariff, billed)


def test_above_the_limit_a_second_person_decides_and_never_the_first(
    app, billed, finance, boss, right, settings
):
    settings.REFUNDS = settings.REFUNDS | {"RERATE_ALONE": {"INR": 41}}
    rerating = compared(prepared(finance, right, billed))
    rerate.let_go(rerating, by=finance)
    assert (rerating.state, rerate.credit_due()) == (State.WAITING, 0)
    with pytest.raises(refusals.NotYours):
        rerate.approve(rerating, by=finance)
    rerate.let_go(rerating, by=finance)  # pressed again, it is no approval
    assert rerating.state == State.WAITING
    rerate.approve(rerating, by=boss)
    assert credited(rerating).state == State.DONE
    assert Concession.objects.get().decided_by == boss


def test_the_database_knows_no_own_approval(billed, finance, right):
    compared(prepared(finance, right, billed))
    own = {"needs_second": True, "approved_by": finance}
    with pytest.raises(IntegrityError), transaction.atomic():
        Rerating.objects.update(**own)
    with pytest.raises(IntegrityError), transaction.atomic():
        Rerating.objects.bulk_create(
            [
                Rerating(
                    code="RRT-X", operator=right.operator, tariff=right, prepared_by=finance, state=State.DONE
                )
            ]
        )


# --- Killed, withdrawn, late --------------------------------------------------------------------------------------


def test_it_goes_on_where_it_was_killed(app, billed, finance, right, monkeypatch):
    many = _copies(billed, 5)
    monkeypatch.setattr(rerate, "AT_ONCE", 2)
    rerating = prepared(finance, right, billed)
    assert rerating.wanted == 6
    assert rerate.compare_due() == 2
    assert rerating.bills.count() == 2
    with monkeypatch.context() as broken:
        broken.setattr(rerate.ReratedBill.objects, "bulk_create", _fail)
        with pytest.raises(ZeroDivisionError):
            rerate.compare_due()
    compared(rerating)
    assert rerating.bills.count() == len({bill.booking_id for bill in rerating.bills.all()}) == 6
    rerate.let_go(rerating, by=finance)
    with monkeypatch.context() as broken:
        broken.setattr(concessions, "tell", _fail)
        with pytest.raises(ZeroDivisionError):
            rerate.credit_due()
    assert not Concession.objects.exists()
    credited(rerating)
    assert Concession.objects.count() == 6 == len(many) + 1


def _fail(*args, **kwargs):
    raise ZeroDivisionError


def _copies(booking: Booking, count: int) -> list[Booking]:
    """More charges like this one, with their sessions and invoices."""
    session = Session.objects.get()
    made = []
    for number in range(count):
        row = Booking.objects.get(pk=booking.pk)
        row.pk, row._state.adding, row.code = None, True, f"BK-COPY{number}"
        row.track_token, row.transaction_id = f"t-{number}", App(_Plugged(booking)).transaction_id
        row.save()
        twin = Session.objects.get(pk=session.pk)
        twin.pk, twin._state.adding, twin.reference, twin.code = None, True, row.code, f"CS-{number}"
        twin.token = f"T-{number}"
        twin.save()
        progress.invoices.issue(Booking.objects.select_related("evse__station__operator").get(pk=row.pk))
        made.append(row)
    return made


class _Plugged:
    def __init__(self, booking: Booking):
        self.id = booking.evse.charge_point_id


def test_withdrawn_or_forgotten_it_credits_nothing(app, billed, finance, right, clock):
    withdrawn, forgotten = (compared(prepared(finance, right, billed)) for _ in range(2))
    rerate.withdraw(withdrawn, by=finance)
    rerate.withdraw(withdrawn, by=finance)
    assert rerate.move_overdue() == 0
    clock.shift(Rerating.DECIDED_WITHIN + timedelta(seconds=1))
    assert (rerate.move_overdue(), rerate.move_overdue()) == (1, 0)
    forgotten.refresh_from_db()
    for rerating in (withdrawn, forgotten):
        assert rerating.state == State.WITHDRAWN
        with pytest.raises(refusals.NotApplicable):
            rerate.let_go(rerating, by=finance)
    assert rerate.credit_due() == 0


def test_too_late_to_withdraw(app, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    rerate.let_go(rerating, by=finance)
    with pytest.raises(refusals.NotApplicable, match="too late"):
        rerate.withdraw(rerating, by=finance)


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_credit_once(app, billed, finance, right):
    rerating = compared(prepared(finance, right, billed))
    rerate.let_go(rerating, by=finance)
    at_once(*[rerate.credit_due] * 8)
    assert (Concession.objects.count(), Invoice.objects.count()) == (1, 3)
    assert Booking.objects.get().conceded_total == Decimal("41.30")


def test_hundreds_at_once_are_compared_and_credited_in_batches(billed, finance, right, settings):
    settings.REFUNDS = settings.REFUNDS | {"RERATE_ALONE": {"INR": 100_000}}
    _bulk_copies(billed, 219)
    rerating = prepared(finance, right, billed)
    assert rerating.wanted == 220
    rounds = []
    while rerating.state == State.COMPARING:
        with CaptureQueriesContext(connection) as asked:
            rounds.append(rerate.compare_due())
        assert len(asked) <= 16
        rerating.refresh_from_db()
    assert rounds == [50, 50, 50, 50, 20, 0]
    assert rerate.totals(rerating) == {Outcome.CREDIT: (220, Decimal("-41.30") * 220)}
    rerate.let_go(rerating, by=finance)
    costs = []
    while rerating.state == State.CREDITING:
        with CaptureQueriesContext(connection) as asked:
            done = rerate.credit_due()
        costs += [len(asked) / done] if done else []
        rerating.refresh_from_db()
    assert max(costs) <= min(costs) + 1  # the last bill costs as much as the first
    assert Concession.objects.filter(amount=Decimal("41.30")).count() == 220


def _bulk_copies(booking: Booking, count: int) -> None:
    """More charges like this one, with their sessions, without papers."""
    session = Session.objects.get()

    def copies(row, **others):
        for number in range(count):
            twin = copy(row)
            twin._state = copy(row._state)
            twin.pk, twin._state.adding = None, True
            for name, value in others.items():
                setattr(twin, name, value(number))
            yield twin

    names = {"code": lambda n: f"BK-BULK{n}", "track_token": lambda n: f"b-{n}"}
    names["transaction_id"] = lambda n: UUID(int=n + 1)
    Booking.objects.bulk_create(copies(Booking.objects.get(pk=booking.pk), **names))
    theirs = {"reference": names["code"], "code": lambda n: f"CS-BULK{n}", "token": lambda n: f"B-{n}"}
    Session.objects.bulk_create(copies(session, **theirs))


def test_the_queries_do_not_grow_with_the_bills(billed, finance, right, django_assert_max_num_queries):
    _copies(billed, 20)
    prepared(finance, right, billed)
    with django_assert_max_num_queries(14):
        assert rerate.compare_due() == 21
