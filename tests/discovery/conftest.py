from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine

from apps.beckn.models import Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.discovery import services
from tests.discovery import catalogs

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
BPP = "grid.sparkdock.example"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def tell(db) -> Callable[..., int]:
    """tell(catalog, bpp_id=…, transaction_id=…, late=minutes): an on_search arrives."""

    def tell(
        catalog: dict | None = None,
        *,
        bpp_id: str = BPP,
        transaction_id: UUID | None = None,
        late: int = 0,
        **more,
    ):
        return services.record_catalog(
            transaction_id=transaction_id or uuid4(),
            bpp_id=bpp_id,
            bpp_uri=f"https://{bpp_id}/beckn/bpp",
            catalog=wire.Catalog.read(catalog or catalogs.catalog()),
            error="",
            received_at=datetime.now(UTC) - timedelta(minutes=late),
        )

    return tell


@pytest.fixture
def operators(db) -> list[Subscriber]:
    """Two operator platforms that a search goes to."""
    return [
        Subscriber.objects.create(
            subscriber_id=name,
            key_id="k1",
            type=Subscriber.Type.BPP,
            url=f"https://{name}/beckn/bpp",
            domain="ev-charging:uei",
            signing_public_key="A" * 43 + "=",
            valid_from=NOON - timedelta(days=1),
            state=Subscriber.State.SUBSCRIBED,
        )
        for name in (BPP, "volt.example")
    ]
