import asyncio

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from apps.lib import channel


def test_a_message_of_another_thread_arrives_on_the_servers_loop():
    async def story():
        channel.remember_loop()
        layer = get_channel_layer()
        here = await layer.new_channel()
        await layer.group_add("cp.X", here)
        await asyncio.to_thread(channel.group_send_soon, "cp.X", {"type": "cp.wake"})
        return await asyncio.wait_for(layer.receive(here), 5)

    assert async_to_sync(story)() == {"type": "cp.wake"}


def test_without_a_server_in_this_process_nothing_breaks(monkeypatch):
    monkeypatch.setattr(channel, "_loops", {})
    channel.group_send_soon("cp.X", {"type": "cp.wake"})
