"""The operator's pages of codes: own stations only, print for every role, changes for managers."""

from uuid import uuid4

import pytest
from django.urls import reverse

from apps.catalog import labels
from apps.catalog.models import CodeReport, PlugCode, Staff

Role = Staff.Role


@pytest.fixture
def ours(factory) -> PlugCode:
    return coded_plug(factory, "Our Hub")


@pytest.fixture
def theirs(factory) -> PlugCode:
    return coded_plug(factory, "Their Hub")


def coded_plug(factory, name: str) -> PlugCode:
    station = factory.make_station(factory.make_operator(), name=name)
    plug = factory.make_priced_connector(factory.make_evse(station))
    labels.issue_for([plug], by=None)
    labels.report(
        key=uuid4(), typed="", plug_code=plug.plug_codes.get(), what="UNREADABLE", words=f"at {name}"
    )
    return plug.plug_codes.get()


@pytest.fixture
def as_role(factory, client, ours):
    def signed_in(role: str):
        user = factory.make_staff(ours.connector.evse.station.operator, role)
        user.is_staff = False  # the pages ask for a job, not for the right to use the admin
        user.save()
        client.force_login(user)
        return client

    return signed_in


def sheet(plug_code: PlugCode) -> str:
    return reverse("catalog:plug_codes", args=[plug_code.connector.evse.station.code])


def changes(plug_code: PlugCode) -> dict[str, dict]:
    station = plug_code.connector.evse.station.code
    return {
        reverse("catalog:issue_codes", args=[station]): {},
        reverse("catalog:replace_code", args=[plug_code.code]): {"reason": "stolen"},
        reverse("catalog:settle_reports", args=[plug_code.code]): {},
    }


def facts() -> list:
    return [list(PlugCode.objects.order_by("pk").values()), list(CodeReport.objects.order_by("pk").values())]


@pytest.mark.parametrize("role", Role.values)
def test_every_role_prints_the_codes_of_its_stations(as_role, ours, theirs, role, settings):
    settings.PUBLIC_URL = "https://charge.example.org"
    client = as_role(role)
    text = client.get(sheet(ours)).content.decode()
    assert "<svg" in text and "<path" in text and "Our Hub" in text
    assert str(ours)[:10] in text and ours.ending in text and "charge.example.org/c/" in text
    assert "at Our Hub" in text and "1 driver says it looks wrong" in text
    assert ("Withdraw it and make a new one" in text) == (role == Role.MANAGER)
    listed = client.get(reverse("catalog:stations")).content.decode()
    assert "Our Hub" in listed and "1 plug has its code" in listed and "1 report" in listed
    assert "Their Hub" not in listed


@pytest.mark.parametrize("role", Role.values)
def test_nobody_sees_or_changes_the_codes_of_another_operator(as_role, ours, theirs, role):
    client, before = as_role(role), facts()
    assert client.get(sheet(theirs)).status_code == 404
    for path, words in changes(theirs).items():
        assert client.post(path, words).status_code == 404
    assert facts() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_only_managers_change_codes(as_role, ours, role):
    client, before = as_role(role), facts()
    for path, words in changes(ours).items():
        assert client.post(path, words).status_code == 403
    assert facts() == before


def test_a_stranger_signs_in_and_a_driver_finds_nothing(client, factory, ours):
    before = facts()
    pages = [sheet(ours), reverse("catalog:stations")]
    for path in [*pages, *changes(ours)]:
        assert "/accounts/login/" in client.post(path)["Location"]
    client.force_login(factory.make_user())
    assert [client.get(path).status_code for path in pages] == [404, 403]
    for path, words in changes(ours).items():
        assert client.post(path, words).status_code == 404
    assert "Codes on the plugs" not in client.get(reverse("me")).content.decode()
    assert facts() == before


def test_whoever_no_longer_works_there_sees_nothing(as_role, ours):
    client = as_role(Role.MANAGER)
    Staff.objects.all().delete()
    assert client.get(sheet(ours)).status_code == 404
    assert client.get(reverse("catalog:stations")).status_code == 403


def test_an_administrator_may_print_for_everybody(client, factory, ours, theirs):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert client.get(sheet(theirs)).status_code == 200
    assert "Their Hub" in client.get(reverse("catalog:stations")).content.decode()


def test_staff_find_the_pages_from_their_account(as_role, ours):
    text = as_role(Role.VIEWER).get(reverse("me")).content.decode()
    assert reverse("catalog:stations") in text


def test_a_manager_makes_the_missing_codes(as_role, factory, ours):
    second = factory.make_priced_connector(ours.connector.evse)
    client = as_role(Role.MANAGER)
    assert "1 plug has no code" in client.get(sheet(ours)).content.decode()
    text = client.post(changes_path(ours, 0), follow=True).content.decode()
    assert "1 code was made." in text and second.plug_codes.get().ending in text
    assert "has no code" not in text


def changes_path(plug_code: PlugCode, number: int) -> str:
    return list(changes(plug_code))[number]


def test_a_manager_replaces_a_code_with_a_reason(as_role, ours):
    client = as_role(Role.MANAGER)
    refused = client.post(changes_path(ours, 1), {"reason": " "})
    assert refused.status_code == 422 and "Say why the code is withdrawn" in refused.content.decode()
    text = client.post(changes_path(ours, 1), {"reason": "glued over"}, follow=True).content.decode()
    ours.refresh_from_db()
    assert ours.revoked_reason == "glued over" and ours.revoked_by.staff.role == Role.MANAGER
    new = PlugCode.objects.get(connector=ours.connector, revoked_at=None)
    assert new.ending in text and str(ours)[:10] not in text


def test_pressing_replace_twice_replaces_once(as_role, ours):
    client = as_role(Role.MANAGER)
    for _ in range(2):
        client.post(changes_path(ours, 1), {"reason": "glued over"})
    assert PlugCode.objects.filter(connector=ours.connector).count() == 2


def test_a_manager_settles_reports(as_role, ours):
    client = as_role(Role.MANAGER)
    text = client.post(changes_path(ours, 2), follow=True).content.decode()
    assert "looks wrong" not in text
    assert ours.reports.get().settled_by.staff.role == Role.MANAGER


def test_the_list_is_searched_and_counts_what_is_missing(as_role, factory, ours):
    operator = ours.connector.evse.station.operator
    evse = factory.make_evse(factory.make_station(operator, name="Far Away", city="Mysuru"))
    factory.make_priced_connector(evse)
    factory.make_priced_connector(evse)
    labels.issue_for([evse.connectors.first()], by=None)
    client = as_role(Role.VIEWER)
    text = client.get(reverse("catalog:stations"), {"q": "mysuru far"}).content.decode()
    assert "1 of 2 plugs have a code" in text and "Our Hub" not in text
    assert "Nothing is called that" in client.get(reverse("catalog:stations"), {"q": "%"}).content.decode()


def test_lists_cost_the_same_queries_however_long(as_role, factory, ours, django_assert_num_queries):
    client, operator = as_role(Role.MANAGER), ours.connector.evse.station.operator
    pages = {reverse("catalog:stations"): 7, sheet(ours): 8}
    for _ in range(2):
        for path, number in pages.items():
            with django_assert_num_queries(number):
                assert client.get(path).status_code == 200
        for _ in range(4):
            labels.issue_for([factory.make_priced_connector(ours.connector.evse)], by=None)
            factory.make_priced_connector(factory.make_evse(factory.make_station(operator)))


# --- The same in the admin --------------------------------------------------------------------------------


@pytest.fixture
def in_admin(factory, client, ours):
    def signed_in(role: str):
        client.force_login(factory.make_staff(ours.connector.evse.station.operator, role))
        return client

    return signed_in


def listed(client, name: str) -> list:
    response = client.get(reverse(f"admin:catalog_{name}_changelist"))
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def act(client, name: str, action: str, row, **words) -> str:
    data = {"action": action, "_selected_action": [row.pk], **words}
    return client.post(reverse(f"admin:catalog_{name}_changelist"), data, follow=True).content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_the_admin_shows_own_codes_and_reports_only(in_admin, ours, theirs, role):
    client = in_admin(role)
    assert listed(client, "plugcode") == [ours]
    assert listed(client, "codereport") == [ours.reports.get()]


def test_a_report_on_a_strange_code_is_for_administrators(in_admin, client, factory, ours):
    strange = labels.report(key=uuid4(), typed="123", plug_code=None, what="OVER_ANOTHER", words="")
    assert strange not in listed(in_admin(Role.MANAGER), "codereport")
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert strange in listed(client, "codereport")


@pytest.mark.parametrize("action", ["withdraw", "replace"])
def test_the_admin_withdraws_with_a_reason_and_keeps_a_record(in_admin, ours, theirs, action):
    client = in_admin(Role.MANAGER)
    assert "Say why the code is withdrawn" in act(client, "plugcode", action, ours, reason="")
    act(client, "plugcode", action, theirs, reason="rival")
    theirs.refresh_from_db()
    assert theirs.revoked_at is None
    act(client, "plugcode", action, ours, reason="stolen")
    ours.refresh_from_db()
    assert (ours.revoked_reason, ours.revoked_by.staff.role) == ("stolen", Role.MANAGER)
    assert PlugCode.objects.filter(connector=ours.connector).count() == (2 if action == "replace" else 1)
    entry = ours.revoked_by.logentry_set.get()
    assert "stolen" in entry.change_message


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_the_admin_lets_only_managers_act(in_admin, ours, role):
    client, before = in_admin(role), facts()
    for action in ("withdraw", "replace", "delete_selected"):
        act(client, "plugcode", action, ours, reason="stolen")
    act(client, "codereport", "settle", ours.reports.get())
    assert facts() == before


def test_nobody_writes_or_deletes_codes_by_hand(client, factory, ours):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    before = facts()
    for name, row in (("plugcode", ours), ("codereport", ours.reports.get())):
        assert client.get(reverse(f"admin:catalog_{name}_add")).status_code == 403
        assert client.post(reverse(f"admin:catalog_{name}_change", args=[row.pk]), {}).status_code == 403
        assert client.post(reverse(f"admin:catalog_{name}_delete", args=[row.pk])).status_code == 403
        act(client, name, "delete_selected", row, post="yes")
    assert facts() == before


def test_the_admin_settles_reports(in_admin, ours):
    act(in_admin(Role.MANAGER), "codereport", "settle", ours.reports.get())
    assert ours.reports.get().settled_at


def test_the_station_in_the_admin_leads_to_its_sheet(in_admin, ours):
    station = ours.connector.evse.station
    page = in_admin(Role.VIEWER).get(reverse("admin:catalog_station_change", args=[station.pk]))
    assert sheet(ours) in page.content.decode()
