"""The channel group of a charge point: how any process reaches the one that holds its socket."""

import re


def group_of(charge_point_id: str) -> str:
    """`cp.<id>`. Channels allows fewer characters than OCPP; the others become dots. A clash is a wasted look."""
    return "cp." + re.sub(r"[^A-Za-z0-9_.\-]", ".", charge_point_id)
