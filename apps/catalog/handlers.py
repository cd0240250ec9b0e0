"""What the network asks of the catalog."""

from apps.beckn.inbox import Inbound
from apps.catalog import services


def search(inbound: Inbound) -> None:
    services.answer_search(inbound=inbound)


def get_rating_categories(inbound: Inbound) -> None:
    services.answer_rating_categories(inbound=inbound)
