"""The address of a ticket for somebody without an account: its number and our signature, nothing to look up.

Whoever has the link may read and answer; so may whoever it is passed on to, as with any letter.
"""

from django.core.signing import BadSignature, Signer

SALT = "apps.support.links"


def signed(code: str) -> str:
    """'TK-7QX4MRT2.Zx…': fits a path, and the name of a live panel."""
    return Signer(sep=".", salt=SALT).sign(code)


def code_of(name: str) -> str | None:
    """The number in a signed link; None when the signature is not ours."""
    try:
        return Signer(sep=".", salt=SALT).unsign(name)
    except BadSignature:
        return None
