"""Public codes of rows: short, unambiguous to read aloud, not guessable in order."""

import secrets

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_code(prefix: str, length: int = 8) -> str:
    """'BK-7QX4MRT2': about 10^12 values at eight characters; uniqueness is the column's constraint."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(length))}"
