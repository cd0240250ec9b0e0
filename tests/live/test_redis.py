"""The same page when Redis carries the news, as between processes."""

import asyncio
import os

import pytest
import redis

from apps.lib import channel
from apps.live import push
from tests.live.conftest import socket

REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"


@pytest.fixture
def through_redis(settings):
    try:
        redis.Redis.from_url(REDIS_URL, socket_connect_timeout=1).ping()
    except redis.RedisError:
        pytest.skip(f"needs a Redis server at {REDIS_URL}")
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "evportal-tests"},
        }
    }


@pytest.mark.redis
def test_a_push_from_a_plain_thread_crosses_redis(through_redis, asha, in_loop):
    page = socket("/live/person/asha/", asha)

    async def scenario():
        await page.connect()
        await page.receive_from(3)
        await asyncio.to_thread(push.push, "person", "asha")
        assert "Asha" in await page.receive_from(3)
        await page.disconnect()

    in_loop(scenario)


def test_a_push_into_a_dead_redis_is_logged_and_harms_nobody(settings, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": "evportal-tests"},
        }
    }
    push.push("person", "asha")
    asyncio.run_coroutine_threadsafe(_until_quiet(), channel._loops["own"]).result(10)
    assert "push lost" in caplog.text


async def _until_quiet() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # and what they left to be called
