"""One open page: what it is shown, when, and when no more."""

import asyncio

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from apps.accounts.models import User
from apps.lib import channel
from apps.live import consumers, push
from tests.live.conftest import socket


def test_a_change_reaches_the_page_after_the_commit(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    def change():
        with transaction.atomic():
            User.objects.filter(pk=asha.pk).update(name="Asha Rao")
            push.changed_on_commit("person", "asha")

    async def scenario():
        await page.connect()
        assert "Asha<" in await page.receive_from(3)
        await database_sync_to_async(change)()
        assert "Asha Rao" in await page.receive_from(3)
        await page.disconnect()

    in_loop(scenario)


def test_a_change_that_is_rolled_back_is_no_news(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    def change_and_regret():
        with transaction.atomic():
            push.changed_on_commit("person", "asha")
            transaction.set_rollback(True)

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await database_sync_to_async(change_and_regret)()
        assert await page.receive_nothing(0.3)
        await page.disconnect()

    in_loop(scenario)


@pytest.mark.parametrize("who", ["stranger", None])
def test_a_stranger_gets_nothing(asha, stranger, in_loop, who):
    page = socket("/live/person/asha/", stranger if who else None)

    async def scenario():
        await page.connect()
        assert await page.receive_output(3) == {"type": "websocket.close", "code": consumers.NOT_YOURS}

    in_loop(scenario)


def test_who_is_shut_out_meanwhile_is_told_nothing_more(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    def shut_out():
        User.objects.filter(pk=asha.pk).update(is_active=False)
        push.push("person", "asha")

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await database_sync_to_async(shut_out)()
        assert await page.receive_output(3) == {"type": "websocket.close", "code": consumers.NOT_YOURS}

    in_loop(scenario)


def test_nobody_follows_what_is_not_followed(asha, in_loop):
    page = socket("/live/weather/today/", asha)

    async def scenario():
        await page.connect()
        assert (await page.receive_output(3))["code"] == consumers.NOT_YOURS

    in_loop(scenario)


def test_a_foreign_page_may_not_connect(asha, in_loop):
    page = socket("/live/person/asha/", asha, origin="https://bad.example")

    async def scenario():
        connected, _ = await page.connect()
        assert not connected

    in_loop(scenario)


def test_an_unknown_socket_is_closed(transactional_db, in_loop):
    page = socket("/elsewhere/")

    async def scenario():
        connected, code = await page.connect()
        assert (connected, code) == (False, 4404)

    in_loop(scenario)


def test_a_burst_is_drawn_a_few_times_and_ends_with_the_last_state(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    def burst():
        for number in range(30):
            User.objects.filter(pk=asha.pk).update(name=f"Asha {number}")
            push.push("person", "asha")

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await database_sync_to_async(burst)()
        pictures = []
        while not pictures or "Asha 29<" not in pictures[-1]:
            pictures.append(await page.receive_from(3))
        assert len(pictures) < 15
        await page.disconnect()

    in_loop(scenario)


def test_a_part_is_drawn_alone_and_the_whole_says_all(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    def both():
        push.push("person", "asha", "initial")
        push.push("person", "asha")

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await asyncio.sleep(consumers.PAUSE_SECONDS)
        await database_sync_to_async(push.push)("person", "asha", "initial")
        assert await page.receive_from(3) == '<b id="initial">A</b>'
        await database_sync_to_async(both)()
        pictures = [await page.receive_from(3)]
        if "initial" in pictures[-1]:  # it came before the other push
            pictures.append(await page.receive_from(3))
        assert 'id="name"' in pictures[-1] and "initial" not in pictures[-1]
        await page.disconnect()

    in_loop(scenario)


def test_a_bug_in_a_panel_leaves_the_socket_open(asha, in_loop, caplog):
    page = socket("/live/broken/asha/", asha)

    async def scenario():
        connected, _ = await page.connect()
        assert connected
        assert await page.receive_nothing(0.3)
        await page.disconnect()

    in_loop(scenario)
    assert "live panel failed" in caplog.text


def test_a_layer_that_does_not_answer_costs_no_socket(asha, in_loop, monkeypatch, caplog):
    page = socket("/live/person/asha/", asha)

    async def away(*args):
        raise ConnectionError("Redis is away")

    async def scenario():
        monkeypatch.setattr(get_channel_layer(), "group_add", away, raising=False)
        await page.connect()
        assert "Asha" in await page.receive_from(3)
        await page.disconnect()

    in_loop(scenario)
    assert "channel layer does not answer" in caplog.text


@pytest.mark.parametrize("chosen", [{"cookies": "django_language=hi"}, {"language": "hi-IN,en;q=0.5"}])
def test_the_page_speaks_the_language_of_its_reader(asha, in_loop, chosen):
    page = socket("/live/language/any/", asha, **chosen)

    async def scenario():
        await page.connect()
        assert "hi" in await page.receive_from(3)
        await page.disconnect()

    in_loop(scenario)


def test_a_push_where_nobody_listens_is_quiet(transactional_db, monkeypatch):
    monkeypatch.setattr(channel, "_loops", {})
    push.changed_on_commit("person", "asha")


def test_a_push_from_a_plain_thread_arrives(asha, in_loop):
    page = socket("/live/person/asha/", asha)

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await asyncio.to_thread(push.push, "person", "asha")
        assert "Asha" in await page.receive_from(3)
        await page.disconnect()

    in_loop(scenario)
