"""Foreign parties that only know each other: nothing of the portal runs here."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.foreign.buyer import ForeignBuyer
from tests.foreign.operator import ForeignOperator


@pytest.fixture
def buyer() -> Iterator[ForeignBuyer]:
    with ForeignBuyer() as buyer:
        yield buyer


@pytest.fixture
def open_operator(buyer: ForeignBuyer) -> Iterator[Callable[..., ForeignOperator]]:
    """Opens an operator and introduces it and the buyer to each other: no registry is asked."""
    opened = []

    def open_operator(**how: Any) -> ForeignOperator:
        operator = ForeignOperator(**{"tick_seconds": 0.01} | how)
        opened.append(operator)
        operator.meet(buyer.card)
        buyer.meet(operator.card)
        return operator

    yield open_operator
    for operator in opened:
        operator.close()
        assert not operator.agenda.faults
