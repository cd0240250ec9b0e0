"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until all are done. Once is not enough: Python 3.11's `wait_for` swallows a cancellation that comes in the
    same moment as what it waited for."""
    every = list(tasks)
    pending = {task for task in every if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _done, pending = await asyncio.wait(pending, timeout=0.5)
    await asyncio.gather(*every, return_exceptions=True)  # their faults have been dealt with
