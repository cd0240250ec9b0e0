"""Whole charges by a charge point that shares no code with us: another library, another language (`other_client/`).

It checks every frame of both sides against its own copy of the schemas.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async as database
from django.db import connections

from apps.catalog.models import Connector
from apps.charging import services
from apps.charging.models import Orphan, PlugInTime, Session
from apps.lib import clock
from apps.ocpp.models import ChargePoint, Frame
from apps.ocpp.services import register
from tests.charging.doubles import plug_of
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, run
from tests.ocpp.socket_server import serve_charge_points

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
HERE = Path(__file__).parent / "other_client"
PATIENCE_SECONDS = 60
State = Session.State


class Box:
    """The identity that `plug_of` looks for."""

    id = "CP-1"


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the libraries of the lock file beside the script; skips where they cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("needs node and npm: the other charge point is written in JavaScript")
    installed = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if installed.returncode:
        pytest.skip(f"npm could not install the other charge point: {installed.stderr.strip()[-300:]}")
    return node


@pytest.fixture(autouse=True)
def plug(transactional_db):
    register(Box.id, PASSWORD)
    evse = Factory().make_evse(charge_point_id=Box.id)
    Factory().make_priced_connector(evse, seen_at=clock.now(), status=Connector.Status.UNKNOWN)


async def nobody() -> None:
    """The portal asks for nothing."""


async def driver() -> None:
    """Starts when the box says that its plug is free, and stops when energy has flowed."""
    await until(lambda: Connector.objects.filter(status=Connector.Status.AVAILABLE).aexists())
    plug = await database(plug_of)(Box)
    await database(services.start)(reference="BK-1", connector=plug, token="TOKEN-1", limit_kwh=None)
    await until(lambda: Session.objects.filter(state=State.ACTIVE, energy_wh__gte=80).aexists())
    await database(services.stop)(reference="BK-1")


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.05)


async def play(node: str, protocol: str, story: str, people: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """What the box told of itself, all lines in one; fails with its words when it ends badly."""
    async with serve_charge_points() as url:
        process = await asyncio.create_subprocess_exec(
            *(node, "charge_point.js", url.rstrip("/"), Box.id, protocol, story),
            cwd=HERE,
            env={**os.environ, "PASSWORD": PASSWORD},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as together:
                together.create_task(people())
                ended = together.create_task(process.communicate())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said, complaints = ended.result()
        assert process.returncode == 0, (said.decode(), complaints.decode())
        await until(lambda: ChargePoint.objects.filter(connected=False).aexists())
    told: dict[str, Any] = {"asked": {}, "invalid": []}
    for line in map(json.loads, said.decode().splitlines()):
        if "asked" in line:
            told["asked"][line["asked"]] = line["params"]
        elif "invalid" in line:
            told["invalid"].append(line["invalid"])
        else:
            told |= line
    return told


ASKS = {
    "ocpp1.6": ("RemoteStartTransaction", "RemoteStopTransaction"),
    "ocpp2.0.1": ("RequestStartTransaction", "RequestStopTransaction"),
}


def play_apart(*story: Any) -> dict[str, Any]:
    """In a thread of its own: where a browser was driven before, its loop still has the first one."""

    def told() -> dict[str, Any]:
        try:
            return run(lambda: play(*story))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(told).result()


@pytest.mark.parametrize("protocol", ASKS)
def test_a_charge_that_the_driver_starts_and_stops(node, protocol):
    told = play_apart(node, protocol, "remote", driver)

    assert told["invalid"] == []
    assert (told["connected"], told["boot"]) == (protocol, "Accepted")
    assert (told["authorized"], told["status"]) == ("Accepted", "Accepted")
    assert tuple(told["asked"]) == ASKS[protocol]
    assert told["stopped"] == told["began"]
    session = Session.objects.get()
    assert (session.reference, session.state, session.end_reason) == ("BK-1", State.CLOSED, "Remote")
    assert session.energy_wh == told["delivered_wh"] >= 80
    assert not session.is_estimated
    assert_all_was_understood(protocol)


@pytest.mark.parametrize("protocol", ASKS)
def test_a_charge_with_a_card(node, protocol):
    told = play_apart(node, protocol, "card", nobody)

    assert told["invalid"] == []
    assert (told["authorized"], told["status"]) == ("Accepted", "Accepted")
    session = Session.objects.get()
    assert (session.reference, session.token, session.state) == ("", "CARD-OF-A-NEIGHBOUR", State.CLOSED)
    assert session.energy_wh == told["delivered_wh"] == 160
    assert_all_was_understood(protocol)


def assert_all_was_understood(protocol: str) -> None:
    """Nothing was refused, nothing had no place, the plug is free again, and the box's patience was learnt."""
    assert not Frame.objects.exclude(outcome="").exists()
    assert not Orphan.objects.exists()
    assert ChargePoint.objects.get().protocol == protocol
    assert Connector.objects.get().status == Connector.Status.AVAILABLE
    assert PlugInTime.objects.get().seconds == 75
