"""Role × action: who gets what behind every door of the admin and of the driver's pages (AT-J7, laws 6 and 11).

Whoever adds a page, an admin or an action of one writes a row here, or the last tests of this file fail.
"""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver, reverse

from apps.bookings.models import Rerating
from apps.ocpp.models import ChargePoint
from apps.orders.models import Order
from apps.payments.models import Payment
from apps.support.links import signed
from apps.support.models import Ticket
from tests.bookings.conftest import app, charger, clock, placed
from tests.evportal.cast import ROLES, client_of, fill_the_house, make_cast
from tests.orders.conftest import driver, stage

__all__ = ["app", "charger", "clock", "driver", "placed", "stage"]

# Groups of roles. `admin` may everything that anybody may, and is not named.
OURS = {"viewer", "finance", "manager"}  # the operator's people; `rival` is a manager of another
MANAGERS = {"manager", "rival"}
MONEY = {"manager", "finance", "rival"}
SUPPORT = {"l1", "l2", "officer"}
STAFF = OURS | {"rival"} | SUPPORT
NONE: set[str] = set()
NOBODY = {"not even admin"}
ADMIN = {"admin"}

# Kind of row → who enters its list, who sees a row of ours, who adds, who changes, who deletes.
MODELS: dict[str, tuple[set[str], set[str], set[str], set[str], set[str]]] = {
    "account.emailaddress": (NONE, NONE, ADMIN, ADMIN, ADMIN),
    "accounts.user": (NONE, NONE, ADMIN, ADMIN, ADMIN),
    "auth.group": (NONE, NONE, ADMIN, ADMIN, ADMIN),
    "mfa.authenticator": (NONE, NONE, ADMIN, ADMIN, ADMIN),
    "beckn.message": (NONE, NONE, NOBODY, NOBODY, NOBODY),
    "beckn.subscriber": (NONE, NONE, ADMIN, ADMIN, NOBODY),
    "bookings.booking": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "bookings.concession": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "bookings.invoice": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "bookings.rerating": (OURS | {"rival"}, OURS, MONEY, NOBODY, NOBODY),
    "catalog.codereport": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "catalog.connector": (OURS | {"rival"}, OURS, MANAGERS, MANAGERS, NOBODY),
    "catalog.evse": (OURS | {"rival"}, OURS, MANAGERS, MANAGERS, NOBODY),
    "catalog.operator": (OURS | {"rival"}, {"rival"}, ADMIN, ADMIN, NOBODY),
    "catalog.plugcode": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "catalog.slotpolicy": (OURS | {"rival"}, OURS, MANAGERS, MANAGERS, NOBODY),
    "catalog.staff": (OURS | {"rival"}, OURS, ADMIN, ADMIN, ADMIN),
    "catalog.station": (OURS | {"rival"}, OURS, MANAGERS, MANAGERS, NOBODY),
    "catalog.tariff": (OURS | {"rival"}, OURS, MANAGERS, NOBODY, NOBODY),
    "charging.concern": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "charging.metercorrection": (OURS | {"rival"}, OURS, MANAGERS, NOBODY, NOBODY),
    "charging.orphan": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "charging.session": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "notices.notice": (NONE, NONE, NOBODY, NOBODY, NOBODY),
    "ocpp.chargepoint": (OURS | {"rival"}, OURS, ADMIN, ADMIN, NOBODY),
    "ocpp.command": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "ocpp.frame": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "ocpp.transaction": (OURS | {"rival"}, OURS, NOBODY, NOBODY, NOBODY),
    "orders.order": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "payments.finding": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "payments.ledgerentry": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "payments.payment": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "payments.reconciliation": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "payments.refund": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "ratings.categories": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "ratings.feedbackform": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "ratings.givenrating": (SUPPORT, SUPPORT, NOBODY, NOBODY, NOBODY),
    "ratings.receivedfeedback": (STAFF, OURS | SUPPORT, NOBODY, NOBODY, NOBODY),
    "ratings.receivedrating": (STAFF, OURS | SUPPORT, NOBODY, NOBODY, NOBODY),
    "support.cannedreply": (SUPPORT, SUPPORT, {"officer"}, {"officer"}, {"officer"}),
    "support.ticket": (STAFF, OURS | SUPPORT, NOBODY, NOBODY, NOBODY),
}

# Action of a list → who is offered it. On which rows it works, and how often, its own tests say.
ACTIONS: dict[tuple[str, str], set[str]] = {
    ("account.emailaddress", "make_verified"): ADMIN,
    ("beckn.message", "try_again"): ADMIN,
    ("beckn.subscriber", "admit"): ADMIN,
    ("beckn.subscriber", "revoke"): ADMIN,
    ("bookings.booking", "cancel"): MANAGERS,
    ("bookings.booking", "set_right"): MONEY,
    ("bookings.concession", "agree"): MONEY,
    ("bookings.concession", "reject"): MONEY,
    ("catalog.codereport", "settle"): MANAGERS,
    ("catalog.plugcode", "withdraw"): MANAGERS,
    ("catalog.plugcode", "replace"): MANAGERS,
    ("charging.metercorrection", "end_now"): MANAGERS,
    ("charging.metercorrection", "withdraw"): MANAGERS,
    ("charging.session", "stop_power"): MANAGERS,
    ("charging.session", "close_record"): MANAGERS,
    ("ocpp.chargepoint", "approve"): ADMIN,
    ("ocpp.chargepoint", "block"): ADMIN,
    ("ocpp.chargepoint", "give_new_password"): MANAGERS,
    ("ratings.givenrating", "approve"): SUPPORT,
    ("ratings.givenrating", "hide"): SUPPORT,
    ("payments.refund", "approve"): SUPPORT,
    ("payments.refund", "decline"): SUPPORT,
}


Ask = Callable[[Client], HttpResponse]


def _operators_ticket() -> int:
    return Ticket.objects.get(side=Ticket.Side.OPERATOR).pk


def _drivers_ticket() -> int:
    return Ticket.objects.exclude(driver=None).get().pk


def _note(pk: Callable[[], int]) -> Ask:
    said = {"text": "x", "press_key": uuid4()}
    return lambda client: client.post(reverse("admin:support_ticket_do", args=[pk(), "note"]), said)


def _press(name: str, args: Callable[[], list]) -> Ask:
    return lambda client: client.post(reverse(name, args=args()))


def _see(name: str, args: Callable[[], list]) -> Ask:
    return lambda client: client.get(reverse(name, args=args()))


# Other addresses of the admin, each as it is asked → who gets through. What they do beyond that, their own tests say.
DOORS: dict[str, list[tuple[Ask, set[str]]]] = {
    "beckn_transaction": [
        (_see("admin:beckn_transaction", lambda: [Order.objects.get().transaction_id]), NONE)
    ],
    "bookings_rerating_do": [
        (_press("admin:bookings_rerating_do", lambda: [Rerating.objects.get().pk, "withdraw"]), OURS)
    ],
    "ocpp_chargepoint_commands": [
        (_see("admin:ocpp_chargepoint_commands", lambda: [ChargePoint.objects.get().pk]), {"manager"})
    ],
    "payments_raise": [(_see("admin:payments_raise", lambda: [Payment.objects.get().pk]), SUPPORT)],
    "support_ticket_do": [
        (_note(_operators_ticket), {"finance", "manager"} | SUPPORT),
        (_note(_drivers_ticket), SUPPORT),
    ],
    "support_ticket_export": [
        (_press("admin:support_ticket_export", lambda: [_operators_ticket()]), OURS | SUPPORT),
        (_press("admin:support_ticket_export", lambda: [_drivers_ticket()]), SUPPORT),
    ],
    "support_ticket_file": [
        (_see("admin:support_ticket_file", lambda: [_drivers_ticket(), uuid4()]), NOBODY)
    ],
    "auth_user_password_change": [
        (_see("admin:auth_user_password_change", lambda: [Order.objects.get().driver_id]), NONE)
    ],
}

DRIVER = {"driver"}
SIGNED_IN = set(ROLES) - {"nobody", "guest"}
EVERYBODY = set(ROLES)
# Page of a driver → who gets it. "GET" is asked by everybody, "press" by everybody but those it belongs to.
PAGES: dict[str, tuple[str, set[str]]] = {
    "orders:history": ("GET", SIGNED_IN),
    "orders:history_table": ("GET", SIGNED_IN),
    "orders:new": ("offer", SIGNED_IN),
    "orders:estimate": ("offer", SIGNED_IN),
    "orders:times": ("offer", SIGNED_IN),
    "orders:order": ("GET", DRIVER),
    "orders:new_price": ("press", DRIVER),
    "orders:terms": ("press", DRIVER),
    "orders:accept": ("press", DRIVER),
    "orders:start": ("press", DRIVER),
    "orders:stop": ("press", DRIVER),
    "orders:cancel": ("press", DRIVER),
    "orders:receipt": ("GET", DRIVER),
    "orders:refund": ("GET", DRIVER),
    "orders:other_times": ("press", DRIVER),
    "orders:change_time": ("press", DRIVER),
    "orders:late": ("press", DRIVER),
    "orders:change": ("press", DRIVER),
    "orders:change_estimate": ("press", DRIVER),
    "orders:other_plug": ("press", DRIVER),
    "orders:answer_change": ("press", DRIVER),
    "orders:extend": ("press", DRIVER),
    "orders:my_plug": ("press", DRIVER),
    "orders:not_my_car": ("press", DRIVER),
    "orders:receipt_pdf": ("press", DRIVER),
    "orders:send_receipt": ("press", DRIVER),
    "orders:document_pdf": ("press", DRIVER),
    "orders:help": ("press", DRIVER),
    "orders:readings": ("GET", DRIVER),
    "orders:messages": ("GET", DRIVER),
    "payments:checkout": ("press", DRIVER),
    "payments:back": ("press", DRIVER),
    "payments:razorpay": ("press", DRIVER),
    # The bank and its page: what they are told is never believed, the bank is asked (tests/payments).
    "payments:back_from_razorpay": ("bank", NONE),
    "payments:webhook": ("bank", NONE),
    "payments:sandbox": ("bank", NONE),
    "ratings:rate": ("GET", DRIVER),
    "ratings:answer_form": ("press", DRIVER),
    # Whoever reads words on a station's page may report them; the other comes with a secret of its own.
    "ratings:report_words": ("open", SIGNED_IN),
    "ratings:own_form": ("open", NONE),
    "support:tickets": ("GET", SIGNED_IN),
    "support:report_order": ("GET", DRIVER),
    "support:report_station": ("station", EVERYBODY),
    "support:ticket": ("ticket", DRIVER),
    "support:download": ("ticket", NONE),
    "support:say": ("words", DRIVER),
    "support:accept": ("words", DRIVER),
    "support:reopen": ("words", DRIVER),
}

# What else stands in an address, beside the number of the order.
MORE = {"orders:other_plug": [uuid4()], "orders:answer_change": [uuid4()], "orders:document_pdf": [1]}


@pytest.fixture
def cast(factory, stage, app, placed, charger):
    people = make_cast(factory, stage, app)
    fill_the_house(people, stage, app, charger)
    return people


def came_through(answer: HttpResponse) -> bool:
    """Not refused, and not led to the sign-in or, as the admin does, to its overview with an excuse."""
    if answer.status_code == 302:
        return answer["Location"] != "/admin/" and "/login/" not in answer["Location"]
    return answer.status_code in (200, 422)


def a_row_of_ours(label: str):
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    return Ticket.objects.get(pk=_operators_ticket()) if model is Ticket else model._default_manager.first()


def _may(role: str, who: set[str]) -> bool:
    return role in who or (role == "admin" and who is not NOBODY)


def test_lists_rows_and_rights_of_the_admin(cast):
    assert not {role: wrong for role in ROLES if (wrong := _wrong_in_the_admin(cast, role))}


def _wrong_in_the_admin(cast, role: str) -> dict:
    """Kind of row → what it found and what the table says."""
    client, user = client_of(cast[role]), cast[role]
    wrong = {}
    for model, model_admin in admin.site._registry.items():
        label = model._meta.label_lower
        enters, sees, *writes = MODELS[label]
        name, row = label.replace(".", "_"), a_row_of_ours(label)
        found = {"list": came_through(client.get(reverse(f"admin:{name}_changelist")))}
        told = {"list": _may(role, enters)}
        if row:
            found["row"] = came_through(client.get(reverse(f"admin:{name}_change", args=[row.pk])))
            told["row"] = _may(role, sees)
        if user and user.is_staff:
            request = RequestFactory().get("/admin/")
            request.user = user
            verbs = ("add", "change", "delete")
            found |= {verb: getattr(model_admin, f"has_{verb}_permission")(request) for verb in verbs}
            told |= {verb: _may(role, who) for verb, who in zip(verbs, writes, strict=True)}
            if found["list"]:
                found["actions"] = set(model_admin.get_actions(request)) - {"delete_selected"}
                told["actions"] = {
                    name for (of, name), who in ACTIONS.items() if of == label and _may(role, who)
                }
        if found != told:
            wrong[label] = {key: (found[key], told[key]) for key in found if found[key] != told[key]}
    return wrong


def test_other_doors_of_the_admin(cast):
    """The administrator comes last: the one re-rating can be withdrawn only once, and again is no fault."""
    wrong = {
        (role, name, number): answer.status_code
        for role in ROLES
        for name, ways in DOORS.items()
        for number, (ask, who) in enumerate(ways)
        if came_through(answer := ask(client_of(cast[role]))) != _may(role, who)
    }
    assert not wrong


def test_pages_of_a_driver(cast):
    """Whoever else asks learns not even that there is such a row: 404, or the sign-in."""
    assert not {role: wrong for role in ROLES if (wrong := _wrong_pages(cast, role))}


def _wrong_pages(cast, role: str) -> dict[str, int]:
    client, order, ticket = (
        client_of(cast[role]),
        Order.objects.get(),
        Ticket.objects.get(pk=_drivers_ticket()),
    )
    payment = Payment.objects.get()
    code = {"orders": order.code, "ratings": order.code, "payments": payment.code}
    wrong = {}
    for name, (how, who) in PAGES.items():
        room, _, page = name.partition(":")
        if how in ("bank", "open") or (how in ("press", "words") and role in who):
            continue  # what the owner's press does, the tests of its room say
        if how == "offer":
            answer = client.get(reverse(name, args=[order.offer.code]))
        elif how == "station":
            answer = client.get(reverse(name, args=[order.offer.station.code]))
        elif how in ("ticket", "words"):
            args = [ticket.code, uuid4()] if page == "download" else [ticket.code]
            answer = (client.get if how == "ticket" else client.post)(reverse(name, args=args))
        elif page in ("history", "history_table", "tickets"):
            answer = client.get(reverse(name))
        else:
            where = reverse(name, args=[code.get(room, order.code), *MORE.get(name, [])])
            answer = client.get(where)
            if answer.status_code == 405:
                answer = client.post(where)
        if came_through(answer) != (role in who) or (
            role not in who and answer.status_code not in (302, 404)
        ):
            wrong[name] = answer.status_code
    return wrong


def test_lists_of_a_driver_hold_the_own_rows_only(cast):
    order = Order.objects.get()
    for role in ("driver", "other", "manager", "l1", "admin"):
        for name in ("orders:history", "orders:history_table", "support:tickets"):
            page = client_of(cast[role]).get(reverse(name))
            body = b"".join(page.streaming_content) if page.streaming else page.content
            assert (order.station_name in body.decode()) == (role == "driver"), (role, name)


def test_a_guest_reads_and_answers_by_the_signed_link_of_that_ticket_only(cast):
    mine = Ticket.objects.get(side=Ticket.Side.DRIVER, driver=None)
    others = Ticket.objects.get(pk=_drivers_ticket())
    client, link = Client(), signed(mine.code)
    assert client.get(reverse("support:ticket", args=[link])).status_code == 200
    said = {"text": "It still hums.", "press_key": uuid4()}
    assert client.post(reverse("support:say", args=[link]), said).status_code == 302
    assert mine.messages.filter(text="It still hums.").exists()
    for name in (
        mine.code,
        link[:-2] + "xx",
        signed(others.code),
        others.code,
        f"{others.code}.{link[-43:]}",
    ):
        assert not came_through(client.get(reverse("support:ticket", args=[name])))
        assert not came_through(client.post(reverse("support:say", args=[name]), said))


# --- Nothing is forgotten -----------------------------------------------------------------------------------------


def test_every_admin_has_its_row():
    assert {model._meta.label_lower for model in admin.site._registry} == set(MODELS)


def test_every_action_has_its_row():
    there = {
        (model._meta.label_lower, name)
        for model, model_admin in admin.site._registry.items()
        for _function, name, _words in model_admin._get_base_actions()
        if name != "delete_selected"
    }
    assert there == set(ACTIONS)


def test_every_other_address_of_the_admin_has_its_row():
    there = set()
    for model, model_admin in admin.site._registry.items():
        own = f"{model._meta.app_label}_{model._meta.model_name}_"
        usual = {
            own + verb for verb in ("changelist", "add", "history", "delete", "change", "simple_history")
        }
        there |= {pattern.name for pattern in model_admin.get_urls() if pattern.name} - usual
    assert there == set(DOORS)


def test_every_page_of_a_deal_has_its_row():
    there = set()
    for part in get_resolver().url_patterns:
        room = getattr(part, "app_name", None)
        if room in ("orders", "payments", "ratings", "support"):
            there |= {f"{room}:{page.name}" for page in part.url_patterns if isinstance(page, URLPattern)}
    assert there == set(PAGES)
