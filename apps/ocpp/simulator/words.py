"""Small things that both versions write alike."""

from datetime import datetime


def at_text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def word(accepted: bool) -> str:
    return "Accepted" if accepted else "Rejected"
