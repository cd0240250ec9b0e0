"""The link in a mail that ends such mails, without signing in: who holds the mail may say no to it."""

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from apps.accounts.models import User
from apps.lib.rows import only_one
from apps.notices.models import Channel, Happening
from apps.notices.switches import choose, no_more_mail

SALT = "notices.unsubscribe"


def path_for(person: User, happening: str) -> str:
    token = Signer(salt=SALT, sep=".").sign(f"{person.pk}-{happening}")
    return reverse("notices:off", args=[token])


def read(token: str) -> tuple[User, Happening] | None:
    """Whose mails of what; None when we never made it."""
    try:
        pk, _dash, happening = Signer(salt=SALT, sep=".").unsign(token).partition("-")
    except BadSignature:
        return None
    person = only_one(User.objects.filter(pk=int(pk)))
    return (person, Happening(happening)) if person else None


def say_no(person: User, happening: str, *, to_all: bool) -> None:
    if to_all:
        no_more_mail(person)
    else:
        choose(person, {(happening, Channel.MAIL): False})
