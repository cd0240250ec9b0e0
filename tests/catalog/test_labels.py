"""Codes on plugs are issued, withdrawn and replaced once, with a reason; reports are taken once."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from apps.catalog import labels
from apps.catalog.door import Answer, look_up
from apps.catalog.models import CodeReport, PlugCode
from apps.catalog.selectors import labels_of


@pytest.fixture
def plug(factory):
    return factory.make_priced_connector()


@pytest.fixture
def station(plug):
    return plug.evse.station


@pytest.fixture
def manager(factory, station):
    return factory.make_staff(station.operator)


@pytest.fixture
def plug_code(station, manager) -> PlugCode:
    labels.issue_missing(station=station, by=manager)
    return PlugCode.objects.get()


def found(plug_code: PlugCode) -> Answer:
    return look_up(typed=plug_code.code, address=f"192.0.2.{plug_code.pk % 250}").answer


def test_plugs_without_a_code_get_one_and_the_others_keep_theirs(factory, station, plug_code, manager):
    second = factory.make_priced_connector(plug_code.connector.evse)
    factory.make_priced_connector(plug_code.connector.evse, is_published=False)
    factory.make_priced_connector()  # at another station
    assert labels.issue_missing(station=station, by=manager) == 1
    assert labels.issue_missing(station=station, by=manager) == 0
    assert [label.plug for label in labels_of(station)] == [plug_code.connector, second]
    assert labels_of(station)[0].plug_code == plug_code


def test_who_made_a_code_is_kept(plug_code, manager):
    assert plug_code.issued_by == manager and plug_code.issued_at


def test_a_plug_never_has_two_valid_codes(plug_code, manager):
    labels.issue_for([plug_code.connector], by=manager)  # somebody else pressed at the same time
    assert PlugCode.objects.get() == plug_code
    with pytest.raises(IntegrityError), transaction.atomic():
        PlugCode.objects.create(
            connector=plug_code.connector, code="0" * 12, issued_at=plug_code.issued_at, issued_by=manager
        )


def test_a_code_is_withdrawn_once_and_the_first_reason_stays(factory, plug_code, manager):
    other = factory.make_staff(plug_code.connector.evse.station.operator)
    assert labels.revoke(plug_code=plug_code, by=manager, reason="  sticker\nstolen ")
    assert not labels.revoke(plug_code=plug_code, by=other, reason="again")
    plug_code.refresh_from_db()
    assert (plug_code.revoked_by, plug_code.revoked_reason) == (manager, "sticker stolen")
    assert plug_code.revoked_at
    assert found(plug_code) == Answer.REVOKED


@pytest.mark.parametrize("end", [labels.revoke, labels.replace])
@pytest.mark.parametrize("reason", ["", "  \n"])
def test_without_a_reason_nothing_is_withdrawn(plug_code, manager, end, reason):
    with pytest.raises(labels.ReasonMissing):
        end(plug_code=plug_code, by=manager, reason=reason)
    assert found(plug_code) == Answer.HERE
    assert PlugCode.objects.count() == 1


def test_replacing_twice_makes_one_new_code(plug_code, manager):
    new = labels.replace(plug_code=plug_code, by=manager, reason="glued over")
    assert labels.replace(plug_code=plug_code, by=manager, reason="glued over") is None
    assert PlugCode.objects.count() == 2
    assert (found(plug_code), found(new)) == (Answer.REVOKED, Answer.HERE)
    assert new.connector == plug_code.connector and new.code != plug_code.code


def test_the_database_keeps_reason_and_moment_together(plug_code):
    with pytest.raises(IntegrityError), transaction.atomic():
        PlugCode.objects.filter(pk=plug_code.pk).update(revoked_reason="why, but not when")


def test_a_report_is_taken_once(plug_code):
    facts = {
        "key": uuid4(),
        "typed": plug_code.code,
        "plug_code": plug_code,
        "what": "OTHER_PLUG",
        "words": "",
    }
    assert labels.report(**facts) == labels.report(**facts)
    assert CodeReport.objects.count() == 1
    assert labels_of(plug_code.connector.evse.station)[0].reports == [CodeReport.objects.get()]


def test_a_settled_report_is_no_longer_counted(plug_code, manager):
    made = labels.report(
        key=uuid4(), typed="", plug_code=plug_code, what=CodeReport.What.UNREADABLE, words="scratched"
    )
    assert labels.settle_reports(reports=[made], by=manager) == 1
    assert labels.settle_reports(reports=[made], by=manager) == 0
    assert labels_of(plug_code.connector.evse.station)[0].reports == []
    made.refresh_from_db()
    assert made.settled_by == manager


def test_a_report_on_a_code_that_is_none_of_ours_keeps_what_was_typed(db):
    made = labels.report(key=uuid4(), typed="x" * 99, plug_code=None, what="OVER_ANOTHER", words="")
    assert (made.plug_code, made.typed) == (None, "x" * 40)


def test_a_sheet_costs_three_queries_however_many_plugs(
    factory, station, plug, manager, django_assert_num_queries
):
    for _ in range(4):
        factory.make_priced_connector(plug.evse)
    labels.issue_missing(station=station, by=manager)
    with django_assert_num_queries(3):
        assert len(labels_of(station)) == 5
