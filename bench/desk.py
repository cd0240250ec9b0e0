"""The support desk at 100 000 tickets, the page of one long charge, and the history of 100 000 orders as a table."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.figures import databases, milliseconds, scratch_folder, show, spread
from tests.foreign.databases import scratch_database

ROOT = Path(__file__).resolve().parent.parent
TICKETS = int(os.environ.get("BENCH_TICKETS", "100000"))
ORDERS = int(os.environ.get("BENCH_ORDERS", "100000"))
READINGS, MESSAGES = 5_000, 300
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))


def run() -> None:
    """Each database in a process of its own, because settings are read once."""
    for engine, env in databases().items():
        with ExitStack() as stack:
            folder = stack.enter_context(scratch_folder())
            if url := env["DATABASE_URL"]:
                env = {"DATABASE_URL": stack.enter_context(scratch_database(url))}
            env = {name: value for name, value in {**os.environ, **env}.items() if value}
            env |= {"EVPORTAL_DATA_DIR": str(folder), "EVPORTAL_EMBEDDED": "1", "LOG_LEVEL": "ERROR"}
            env |= {"DJANGO_SETTINGS_MODULE": "evportal.settings", "EVPORTAL_DEMO": "1"}
            subprocess.run([sys.executable, "-m", "bench.desk", engine], cwd=ROOT, env=env, check=True)


def _measure(engine: str) -> None:
    import django  # settings are those of this process, and the parent has none

    django.setup()
    from django.core.management import call_command  # needs the settings
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)
    people, stage = _people_and_a_deal()
    _queues(engine, people)
    _long_charge(engine, people["L1"], stage)
    _history(engine, stage)


def _people_and_a_deal() -> tuple[dict[str, Any], Any]:
    from django.contrib.auth.models import Group  # needs the settings

    from apps.accounts.models import User
    from apps.catalog.models import Operator, Staff
    from tests.orders.stage import Stage

    agent = User.objects.create_user("l1@bench.example", is_staff=True)
    agent.groups.add(Group.objects.get(name="Support L1"))
    manager = User.objects.create_user("manager@bench.example", is_staff=True)
    operator = Operator.objects.create(code="op-1", name="SparkDock")
    Staff.objects.create(user=manager, operator=operator, role=Staff.Role.MANAGER)
    stage = Stage(User.objects.create_user("driver@bench.example"))
    stage.until("SETTLED")
    return {"L1": agent, "manager": manager}, stage


def _timed(ask: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    ask()
    times = []
    for _round in range(rounds):
        began = time.perf_counter()
        assert ask().status_code == 200
        times.append(time.perf_counter() - began)
    return times


def _client(user: Any) -> Any:
    from django.test import Client  # needs the settings

    client = Client()
    client.force_login(user)
    return client


def _queues(engine: str, people: dict[str, Any]) -> None:
    from django.db import connection  # needs the settings
    from django.urls import reverse

    from apps.support.queues import NAMES
    from tests.support.crowd import many_tickets

    many_tickets(TICKETS, people=[*people.values(), None, None, None], operators=5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    rows, where = [], reverse("admin:support_ticket_changelist")
    for who, user in people.items():
        client = _client(user)
        rows += [
            (f"{who}: {queue}", spread(_timed(lambda c=client, q=queue: c.get(where, {"queue": q}))), "")
            for queue in NAMES
        ]
    agent = _client(people["L1"])
    middle = TICKETS * 5 // 7 // 50 // 2  # five states of seven are open, fifty tickets stand on a page
    for name, query in (("search", {"q": "Station 77"}), (f"page {middle}", {"p": str(middle)})):
        rows.append((f"L1: {name}", spread(_timed(lambda q=query: agent.get(where, q))), ""))
    show(f"{engine}: the desk, {TICKETS:,} tickets", rows)


def _long_charge(engine: str, agent: Any, stage: Any) -> None:
    from uuid import uuid4  # here with the rows it names

    from django.urls import reverse

    from apps.beckn.models import Message
    from apps.orders.models import Order
    from apps.support import services
    from apps.support.models import Ticket

    order = Order.objects.get(pk=stage.order.pk)
    point = order.points.model
    begins = order.created_at
    point.objects.filter(order=order).delete()
    point.objects.bulk_create(
        point(order=order, at=begins + timedelta(seconds=number), power_kw=40, energy_kwh=number / 1000)
        for number in range(READINGS)
    )
    like = Message.objects.filter(transaction_id=order.transaction_id).first()
    copies = []
    for _number in range(MESSAGES - Message.objects.filter(transaction_id=order.transaction_id).count()):
        row = Message.objects.get(pk=like.pk)
        row.pk, row.message_id, row._state.adding = None, uuid4(), True
        copies.append(row)
    Message.objects.bulk_create(copies)
    services.open_about_order(
        driver=stage.driver, order=order, what="wrong-bill", text="Too much.", press_key=uuid4()
    )
    ticket = Ticket.objects.get(order=order)
    where, client = reverse("admin:support_ticket_change", args=[ticket.pk]), _client(agent)
    before = _peak()
    times = _timed(lambda: client.get(where))
    rows = [
        (f"its page, {READINGS:,} readings, {MESSAGES} messages", spread(times), ""),
        ("memory it added at the peak", f"{_peak() - before:.0f} MB", ""),
    ]
    show(f"{engine}: the evidence of a long charge", rows)


def _history(engine: str, stage: Any) -> None:
    from uuid import uuid4  # here with the rows it names

    from django.urls import reverse

    from apps.orders.models import Order

    order = Order.objects.get(pk=stage.order.pk)

    def copies() -> Iterator[Order]:
        for number in range(ORDERS):
            row = Order(**{field.attname: getattr(order, field.attname) for field in Order._meta.fields})
            row.pk, row.code, row.transaction_id = None, uuid4(), uuid4()
            row.network_order_id, row.idempotency_key = f"BENCH-{number}", uuid4()
            yield row

    source = copies()
    while batch := [row for row, _number in zip(source, range(1000), strict=False)]:
        Order.objects.bulk_create(batch)
    client, before, began = _client(stage.driver), _peak(), time.perf_counter()
    answer = client.get(reverse("orders:history_table"))
    first, size = None, 0
    for part in answer.streaming_content:
        first = first or time.perf_counter() - began
        size += len(part)
    rows = [
        ("first bytes", milliseconds(first or 0), ""),
        ("all of it", f"{time.perf_counter() - began:.1f} s, {size / 1e6:.1f} MB", ""),
        ("memory it added at the peak", f"{_peak() - before:.0f} MB", ""),
    ]
    show(f"{engine}: the history of {ORDERS:,} orders as CSV", rows)


def _peak() -> float:
    """MB this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _measure(sys.argv[1])
