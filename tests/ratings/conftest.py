from tests.discovery.conftest import tell
from tests.orders.conftest import driver, stage, stranger

__all__ = ["driver", "stage", "stranger", "tell"]
