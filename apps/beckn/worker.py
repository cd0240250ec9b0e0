"""The network worker: delivers the outbox, works the inbox, walks the duties. Embedded in `serve`, or `run_network`.

Any number of workers may run, in any number of processes: rows are claimed with a lease, and the bell only makes it
faster than the polling that would find them anyway.
"""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import IO

import structlog
from django.db import connection, connections

from apps.beckn import bell, db, delivery, inbox, leases, registry, subscription
from apps.beckn.models import Message, WorkerBeat
from apps.beckn.transport import Answer, Transport
from apps.lib import clock, wiring

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25
DUTIES_SECONDS = 1.0
BEAT_ROUND, OWN_ROUND = 5, 30
STOP_SECONDS = 12.0
HANDFUL = 8  # messages of as many transactions, worked one after the other: far less than a lease of work
SENDERS = 12
PER_PEER, PER_SLOW_PEER = 8, 1  # whoever did not answer last time keeps one sender waiting, not all
# Rounds of this room, walked every half minute; those of the other rooms are in evportal/wiring.py.
OWN_DUTIES: dict[str, Callable[[], int]] = {
    "platforms of the registry": registry.refresh_platforms,
    "applicants": subscription.challenge_applicants,
    "expired keys": registry.expire_subscribers,
}


class Worker:
    def __init__(self, transport: delivery.Post | None = None, name: str | None = None):
        self._transport = transport or Transport()
        self.name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._slow: set[str] = set()
        self._in_hand = 0
        self._part: IO[bytes] | None = None

    def start(self) -> None:
        self._part = leases.take_part()
        # Handlers write: on SQLite one at a time is all that can happen anyway.
        self._hands = 1 if connection.vendor == "sqlite" else 4
        self._sending = ThreadPoolExecutor(SENDERS, thread_name_prefix="beckn-send")
        self._working = ThreadPoolExecutor(self._hands, thread_name_prefix="beckn-work")
        for target in (self._carry, self._walk):
            thread = threading.Thread(target=target, name=f"beckn-{target.__name__.strip('_')}", daemon=True)
            self._threads.append(thread)
            thread.start()
        log.info("network worker started", worker=self.name)

    def stop(self) -> None:
        """Finish what is in hand, claim nothing more. What is left has its lease and comes back."""
        self._stopping.set()
        bell.ring(*bell.BOXES)
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        if self._threads:
            _close(self._sending, SENDERS)
            _close(self._working, self._hands)
            self._threads.clear()
        if self._part:
            self._part.close()
            self._part = None
        log.info("network worker stopped", worker=self.name)

    def wake(self) -> None:
        bell.ring(*bell.BOXES)

    # --- Carrying ---
    def _carry(self) -> None:
        """Look where the bell was rung for; into both boxes when it was silent, and now and then anyway."""
        looked_at = 0.0
        while not self._stopping.is_set():
            rung = bell.wait(POLL_SECONDS)
            if time.monotonic() - looked_at >= POLL_SECONDS:
                rung, looked_at = bell.BOXES, time.monotonic()
            if bell.INBOX in rung:
                self._guarded("take up", self._take_up)
            if bell.OUTBOX in rung:
                self._guarded("send off", self._send_off)
        connections.close_all()

    def _take_up(self) -> None:
        """Claim a handful for each free hand. The hand rings again when it is done."""
        while self._in_hand < self._hands:
            messages = inbox.claim(HANDFUL)
            if not messages:
                return
            with self._lock:
                self._in_hand += 1
            self._working.submit(self._work, messages)

    def _send_off(self) -> None:
        """Claim as much as can be sent now. Each sender rings again when it is done."""
        with self._lock:
            free = SENDERS - sum(self._in_flight.values())
        for message in delivery.claim(free, has_room=self._room_for) if free > 0 else []:
            with self._lock:
                self._in_flight[message.peer_id] += 1
            self._sending.submit(self._send, message)

    def _room_for(self, peer_id: str) -> int:
        with self._lock:
            return (PER_SLOW_PEER if peer_id in self._slow else PER_PEER) - self._in_flight[peer_id]

    def _work(self, messages: list[Message]) -> None:
        try:
            for message in messages:
                self._guarded("work", partial(inbox.work_claimed, message))
        finally:
            with self._lock:
                self._in_hand -= 1
            bell.ring(bell.INBOX)

    def _send(self, message: Message) -> None:
        try:
            answer = self._guarded("send", lambda: delivery.send_claimed(message, self._transport))
            silent = isinstance(answer, Answer) and answer.http_status is None
            with self._lock:
                (self._slow.add if silent else self._slow.discard)(message.peer_id)
        finally:
            with self._lock:
                self._in_flight[message.peer_id] -= 1
                self._in_flight += Counter()  # drops the zeros
            bell.ring(bell.OUTBOX)

    # --- Walking ---
    def _walk(self) -> None:
        rounds = 0
        while not self._stopping.is_set():
            if rounds % OWN_ROUND == 0:
                self._walk_once(OWN_DUTIES)
            if rounds % BEAT_ROUND == 0:
                self._guarded("beat", self._beat)
            self._walk_once(wiring.duties())
            rounds += 1
            self._stopping.wait(DUTIES_SECONDS)
        connections.close_all()

    def _walk_once(self, duties: dict[str, Callable[[], int]]) -> None:
        for name, duty in duties.items():
            if not self._stopping.is_set():
                self._guarded(name, duty)

    def _beat(self) -> None:
        now = clock.now()
        WorkerBeat.objects.update_or_create(worker=self.name, defaults={"at": now})
        WorkerBeat.objects.filter(at__lt=now - timedelta(days=1)).delete()

    def _guarded(self, name: str, duty: Callable[[], object]) -> object:
        """One failing round is logged and ends there: the others go on, and the next round comes."""
        try:
            return db.released_after(duty)()
        except Exception:
            log.exception("a round of the worker failed", round=name)
            self._stopping.wait(DUTIES_SECONDS)
            return 0


def _close(pool: ThreadPoolExecutor, size: int) -> None:
    """End the threads of `pool`, each after closing its own database connection."""
    together = threading.Barrier(size)

    def last_task() -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(STOP_SECONDS)
        connections.close_all()

    for _thread in range(size):
        pool.submit(last_task)
    pool.shutdown(wait=True)


def heartbeat_age() -> timedelta | None:
    """How long ago any worker was last seen alive; None when none ever was."""
    latest = WorkerBeat.objects.order_by("-at").values_list("at", flat=True).first()
    return clock.now() - latest if latest else None


def drain(transport: delivery.Post, *, rounds: int = 200) -> int:
    """Work and deliver until nothing is due; for tests. How many messages were touched."""
    touched = 0
    for _round in range(rounds):
        now = inbox.work() + delivery.deliver(transport)
        if not now:
            return touched
        touched += now
    raise RuntimeError(f"still busy after {rounds} rounds")
