"""What our services say when a rule forbids something. Rooms subclass Refused with names that are sentences."""

from django.utils.functional import Promise


class Refused(Exception):
    """A rule said no. `code` is the Beckn error code that tells a peer the same (fact sheet 1.8).

    On a page it becomes a 409 with this message (evportal/middleware.py); on the wire it becomes the `error` of the
    `on_…` answer (beckn/inbox.py). Bugs are not Refused.
    """

    code = "40000"
    status = 409

    def __init__(self, message: str | Promise, *, code: str | None = None):
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
