"""What bookings say no to, with the code that tells a peer the same (fact sheet 1.8)."""

from django.utils.translation import gettext_lazy as _

from apps.lib.errors import Refused


class UnknownOrder(Refused):
    """Also the answer for somebody else's order: nobody learns that it exists."""

    code = "30010"

    def __init__(self) -> None:
        super().__init__(_("There is no such order."))


class ConnectorTaken(Refused):
    code = "30008"

    def __init__(self) -> None:
        super().__init__(_("This charging point is taken or held right now."))


class NotAvailable(Refused):
    code = "30008"


class QuoteExpired(Refused):
    code = "40003"

    def __init__(self) -> None:
        super().__init__(_("The quote has expired. Please ask for a new one."))


class AlreadyPlaced(Refused):
    code = "40001"

    def __init__(self) -> None:
        super().__init__(_("This order is placed already. A new order needs a new transaction."))


class NotPayable(Refused):
    code = "40004"


class CannotCancel(Refused):
    code = "50001"


class CannotUpdate(Refused):
    code = "50002"


class NotApplicable(Refused):
    code = "40001"


class TooMuchBack(Refused):
    code = "40002"


class TooLate(Refused):
    code = "50000"


class NotYours(Refused):
    code = "50000"
    status = 403
