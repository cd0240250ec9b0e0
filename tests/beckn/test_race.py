"""Several threads at the same rows, on whichever database the suite runs: one effect each."""

import asyncio
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection, connections

from apps.beckn import arrivals, delivery, inbox, outbox, registry, verification
from apps.beckn.models import Message, Side
from apps.beckn.verification import Letter
from apps.beckn.wire import v1_1 as wire
from apps.beckn.worker import Worker, heartbeat_age
from apps.beckn.writer import Writer
from tests.beckn.peers import Peer
from tests.beckn.server import as_json, serving

pytestmark = pytest.mark.django_db(transaction=True)
State = Message.State


@pytest.fixture
def buyer():
    registry.ensure_own_subscribers()
    peer = Peer("app.voltpath.example", "BAP", "http://app.voltpath.example")
    peer.register()
    return peer


def arrival(peer, action="select", **context) -> arrivals.Arrival:
    body = peer.say(action, **context)
    headers = {name.lower(): value for name, value in peer.sign(body).items()}
    return verification.check(Letter(Side.BPP, action, body, headers))


def in_threads(count, function):
    """`function` in `count` threads at the same moment; what each returned."""
    start = threading.Barrier(count)

    def run(_number):
        start.wait()
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_racing_workers_do_each_message_once(buyer, rooms):
    arrivals.store([arrival(buyer) for _message in range(12)])
    in_threads(4, lambda: [inbox.work(5) for _round in range(6)])
    while inbox.work():
        pass
    assert len(rooms.taken) == 12
    assert Message.objects.filter(action="on_select").count() == 12


def test_racing_workers_keep_the_order_of_a_transaction(buyer, rooms):
    ids = [str(uuid4()) for _transaction in range(3)]
    steps = ("select", "init", "confirm")
    arrivals.store([arrival(buyer, step, transaction_id=one) for step in steps for one in ids])
    in_threads(3, lambda: [inbox.work(5) for _round in range(8)])
    while inbox.work():
        pass
    for one in ids:
        seen = [i.message.action for i in rooms.taken if str(i.message.transaction_id) == one]
        assert seen == list(steps)


def test_racing_senders_send_each_message_once(buyer):
    body = wire.OnStatusMessage(order=wire.Order(id="1"))
    sent: Counter[bytes] = Counter()

    class Counting:
        def post(self, url, body, headers):
            assert not connection.in_atomic_block  # no network inside a transaction
            sent[body] += 1
            return delivery.Answer(wire.Verdict.ACCEPTED, 200)

    for _message in range(12):
        outbox.callback(
            "on_status", body, transaction_id=uuid4(), bap_id=buyer.subscriber_id, bap_uri=buyer.url
        )
    in_threads(4, lambda: [delivery.deliver(Counting(), 5) for _round in range(5)])
    assert set(sent.values()) == {1} and len(sent) == 12


def test_racing_repetitions_are_stored_once(buyer):
    same = arrival(buyer, "confirm")
    outcomes = in_threads(5, lambda: arrivals.store([same]))
    assert outcomes == [[arrivals.Storing.STORED]] * 5
    assert Message.objects.count() == 1


def test_the_writer_groups_and_acknowledges_after_the_commit(buyer):
    letters = [arrival(buyer) for _message in range(30)]
    batches = []

    def write(batch):
        batches.append(len(batch))
        return arrivals.store(batch)

    writer = Writer(write)

    async def store_all():
        return await asyncio.gather(*(writer.store(letter) for letter in [*letters, *letters]))

    assert set(asyncio.run(store_all())) == {arrivals.Storing.STORED}
    assert Message.objects.count() == 30
    assert sum(batches) == 60 and len(batches) < 30


def test_a_row_that_cannot_be_written_harms_nobody_else(buyer):
    letters = [arrival(buyer) for _message in range(5)]

    def write(batch):
        if letters[2] in batch:
            raise ValueError("not this one")
        return arrivals.store(batch)

    writer = Writer(write)

    async def store_all():
        return await asyncio.gather(*(writer.store(letter) for letter in letters), return_exceptions=True)

    outcomes = asyncio.run(store_all())
    assert [type(outcome) for outcome in outcomes].count(ValueError) == 1
    assert Message.objects.count() == 4


def test_a_running_worker_answers_over_http_and_stops(rooms):
    """Question in, answer out, over sockets, with a peer that fails first and one that never answers."""
    registry.ensure_own_subscribers()
    came = threading.Event()

    def answer(path, body, headers):
        if len(server.came) == 1:
            return 500, b""
        came.set()
        return as_json(wire.ack())

    with serving(answer) as server:
        buyer = Peer("app.voltpath.example", "BAP", server.url)
        buyer.register()
        worker = Worker(name="test")
        worker.start()
        try:
            arrivals.store([arrival(buyer)])
            assert came.wait(10)
        finally:
            worker.stop()
    (first, second) = server.came
    assert first[0] == second[0] == "/on_select" and first[1] == second[1]
    assert json.loads(first[1])["message"]["order"]["id"] == "BK-1"
    assert [row.state for row in Message.objects.order_by("pk")] == [State.DONE, State.ACKED]
    assert heartbeat_age().total_seconds() < 60


def test_one_failing_duty_does_not_stop_the_others(monkeypatch, rooms):
    done = threading.Event()
    walked = {"bad": "tests.beckn.test_race.bad_duty", "good": "tests.beckn.test_race.good_duty"}
    monkeypatch.setattr("evportal.wiring.DUTIES", walked)
    monkeypatch.setattr("tests.beckn.test_race.on_duty", done.set, raising=False)
    worker = Worker(name="test")
    worker.start()
    try:
        assert done.wait(10)
    finally:
        worker.stop()


def bad_duty() -> int:
    raise ValueError("oops")


def good_duty() -> int:
    on_duty()  # noqa: F821  put there by the test
    return 1
