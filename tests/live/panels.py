"""What the tests' pages follow: a person's name, shown to that person only."""

from django.utils.translation import get_language

from apps.accounts.models import User

KINDS = {name: f"tests.live.panels.{name}" for name in ("person", "broken", "language")}
KINDS["person.initial"] = "tests.live.panels.initial"


def person(user, code: str) -> str | None:
    row = User.objects.filter(email=code).first()
    if row is None or not user.is_authenticated or user.pk != row.pk:
        return None
    return f'<p id="name" hx-swap-oob="true">{row.name}</p>'


def initial(user, code: str) -> str | None:
    return f'<b id="initial">{user.name[0]}</b>'


def broken(user, code: str) -> str | None:
    raise RuntimeError("a bug in a panel")


def language(user, code: str) -> str | None:
    return f'<p id="language" hx-swap-oob="true">{get_language()}</p>'
