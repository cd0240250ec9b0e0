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


def test_the_layer_in_memory_forgets_what_nobody_fetches_but_does_not_look_at_every_message(monkeypatch):
    async def story():
        layer = channel.MemoryLayer(expiry=-1)  # everything is too old at once
        await layer.send("specific.inmemory!lost", {"type": "panel.changed"})
        await layer.group_add("live.order.X", "specific.inmemory!here")
        await layer.group_send("live.order.X", {"type": "panel.changed"})
        kept = set(layer.channels)
        monkeypatch.setattr(channel, "TIDY_SECONDS", 0)
        await layer.group_send("live.order.Y", {"type": "panel.changed"})
        return kept, set(layer.channels)

    kept, left = async_to_sync(story)()
    assert "specific.inmemory!lost" in kept
    assert left == set()
