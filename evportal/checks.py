"""Wrong settings stop the start, with a hint. Every command runs these checks first."""

from numbers import Real
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from apps.lib.links import is_link
from apps.notices.webpush import KeyUnusable, load_private_key

ROLES = {"bap", "bpp"}
CHOICES = {
    "LOG_FORMAT": ({"console", "json"}, lambda: settings.LOG_FORMAT),
    "BECKN_REGISTRY_STYLE": ({"core", "ps"}, lambda: settings.BECKN["REGISTRY_STYLE"]),
    "BECKN_CHALLENGE": ({"decrypt", "sign"}, lambda: settings.BECKN["CHALLENGE"]),
    "PAYMENT_PROVIDER": (set(settings.PAYMENT_PROVIDERS), lambda: settings.PAYMENT_PROVIDER),
    "SANDBOX_REFUNDS": ({"late", "settle", "decline", "hang", "timeout"}, lambda: settings.SANDBOX_REFUNDS),
    "ACCOUNT_EMAIL_VERIFICATION": (
        {"none", "optional", "mandatory"},
        lambda: settings.ACCOUNT_EMAIL_VERIFICATION,
    ),
}
POSITIVE = {
    "BECKN_TTL_SECONDS": lambda: settings.BECKN["TTL_SECONDS"],
    "BECKN_MAX_BODY_BYTES": lambda: settings.BECKN["MAX_BODY_BYTES"],
    "OCPP_HEARTBEAT_SECONDS": lambda: settings.OCPP["HEARTBEAT_SECONDS"],
    "OCPP_METER_SECONDS": lambda: settings.OCPP["METER_SECONDS"],
    "START_SECONDS": lambda: settings.CHARGING["START_SECONDS"],
    "STATUS_EVERY_SECONDS": lambda: settings.CHARGING["STATUS_EVERY_SECONDS"],
    "REFUND_WINDOW_DAYS": lambda: settings.REFUNDS["WINDOW_DAYS"],
    "REFUND_PROMISE_DAYS": lambda: settings.REFUNDS["PROMISE_DAYS"],
    "TRACK_LINK_HOURS": lambda: settings.TRACK_LINK_HOURS,
}


@register()
def production_has_its_secret(app_configs, **kwargs) -> list[CheckMessage]:
    try:
        secret = settings.SECRET_KEY
    except ImproperlyConfigured:
        secret = ""
    if secret or settings.EMBEDDED:
        return []
    hint = "Set SECRET_KEY to 50 or more random characters. Only an embedded installation makes its own."
    return [Error("SECRET_KEY is empty", hint=hint, id="evportal.E010")]


@register()
def stickers_have_their_key(app_configs, **kwargs) -> list[CheckMessage]:
    if "bpp" not in settings.ROLES or settings.PLUG_CODE_KEY:
        return []
    hint = "Set PLUG_CODE_KEY to 50 or more random characters and keep it: every printed sticker is signed with it."
    return [Error("PLUG_CODE_KEY is empty", hint=hint, id="evportal.E018")]


@register()
def pushes_have_a_key_that_works(app_configs, **kwargs) -> list[CheckMessage]:
    try:
        if settings.VAPID_PRIVATE_KEY:
            load_private_key(settings.VAPID_PRIVATE_KEY)
    except KeyUnusable as error:
        hint = "docs/configuration.md says how one is made; leave it empty for no pushes."
        return [Error(f"VAPID_PRIVATE_KEY cannot be used: {error}", hint=hint, id="evportal.E021")]
    return []


KEYS_OF_PROVIDER = {
    "stripe": ("STRIPE", ["SECRET_KEY", "WEBHOOK_SECRET"]),
    "razorpay": ("RAZORPAY", ["KEY_ID", "KEY_SECRET", "WEBHOOK_SECRET"]),
}


@register()
def provider_has_its_keys(app_configs, **kwargs) -> list[CheckMessage]:
    group, names = KEYS_OF_PROVIDER.get(settings.PAYMENT_PROVIDER, ("", []))
    hint = "The provider's dashboard shows it. Webhooks go to PUBLIC_URL/pay/webhooks/<provider>/."
    return [
        Error(f"{group}_{name} is empty", hint=hint, id="evportal.E019")
        for name in names
        if not getattr(settings, group)[name]
    ]


@register()
def demo_is_not_public(app_configs, **kwargs) -> list[CheckMessage]:
    if not settings.DEMO or settings.DEBUG or not settings.HTTPS:
        return []
    hint = "Everybody can read the password of its administrator on the sign-in page. Unset EVPORTAL_DEMO."
    return [Warning("a public address runs in demo mode", hint=hint, id="evportal.W011")]


@register()
def choices_are_known(app_configs, **kwargs) -> list[CheckMessage]:
    faults = [
        Error(f"{name} is {value()!r}", hint=f"Use one of: {', '.join(sorted(known))}.", id="evportal.E012")
        for name, (known, value) in CHOICES.items()
        if value() not in known
    ]
    if not settings.ROLES or not settings.ROLES <= ROLES:
        found = ",".join(sorted(settings.ROLES))
        faults.append(
            Error(f"EVPORTAL_ROLES is {found!r}", hint="Use bap, bpp or both: bap,bpp.", id="evportal.E012")
        )
    return faults


@register()
def numbers_make_sense(app_configs, **kwargs) -> list[CheckMessage]:
    faults = [
        Error(f"{name} is {value()}", hint="Use a number greater than zero.", id="evportal.E013")
        for name, value in POSITIVE.items()
        if value() <= 0
    ]
    start = settings.MAP_START
    known = isinstance(start, dict) and {"lat", "lon", "zoom"} <= start.keys()
    if not known or not (
        -90 <= start["lat"] <= 90 and -180 <= start["lon"] <= 180 and 1 <= start["zoom"] <= 18
    ):
        hint = 'Use JSON such as {"lat": 12.97, "lon": 77.59, "zoom": 12}.'
        faults.append(Error(f"MAP_START is {start!r}", hint=hint, id="evportal.E014"))
    return faults


@register()
def refund_limits_are_money(app_configs, **kwargs) -> list[CheckMessage]:
    limits, at_once = settings.REFUNDS["LIMITS"], settings.REFUNDS["AGREED_AT_ONCE"]
    faults = []
    if not isinstance(limits, dict) or not all(_two_limits(pair) for pair in limits.values()):
        hint = 'Use JSON such as {"INR": [500, 5000]}: the limit of level 1, then the higher one of level 2.'
        faults.append(Error(f"REFUND_LIMITS is {limits!r}", hint=hint, id="evportal.E020"))
    if not isinstance(at_once, dict) or not all(_is_amount(amount) for amount in at_once.values()):
        hint = 'Use JSON such as {"INR": 100}.'
        faults.append(Error(f"REFUND_AGREED_AT_ONCE is {at_once!r}", hint=hint, id="evportal.E020"))
    return faults


def _two_limits(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(map(_is_amount, pair)) and pair[0] <= pair[1]


def _is_amount(amount: object) -> bool:
    return isinstance(amount, Real) and not isinstance(amount, bool) and amount >= 0


@register()
def addresses_fit(app_configs, **kwargs) -> list[CheckMessage]:
    address = urlsplit(settings.PUBLIC_URL)
    if address.scheme not in ("http", "https") or not address.hostname:
        hint = "Use the address people type, for example https://charge.example.org."
        return [Error(f"PUBLIC_URL is {settings.PUBLIC_URL!r}", hint=hint, id="evportal.E015")]
    allowed = settings.ALLOWED_HOSTS
    if "*" in allowed or any(
        address.hostname == h or (h[:1] == "." and address.hostname.endswith(h)) for h in allowed
    ):
        return []
    hint = f"Add {address.hostname} to ALLOWED_HOSTS, or nobody reaches the portal at its own address."
    return [Warning("PUBLIC_URL is not among ALLOWED_HOSTS", hint=hint, id="evportal.W016")]


@register()
def disputes_lead_to_a_page(app_configs, **kwargs) -> list[CheckMessage]:
    if not settings.ODR_URL or is_link(settings.ODR_URL):
        return []
    hint = "Use the address of a page, for example https://odr.example.org, or leave it empty."
    return [Error(f"ODR_URL is {settings.ODR_URL!r}", hint=hint, id="evportal.E022")]


@register()
def processes_hear_each_other(app_configs, **kwargs) -> list[CheckMessage]:
    if settings.EMBEDDED or settings.REDIS_URL:
        return []
    hint = "Without REDIS_URL everything must run in one process: live pages and sign-in limits do not cross processes."
    return [Warning("no Redis", hint=hint, id="evportal.W017")]
