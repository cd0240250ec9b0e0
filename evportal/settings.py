"""Every setting of EV Portal, read once from the environment (docs/configuration.md lists them).

The defaults are the embedded mode: SQLite, in-memory channel layer, one process, nothing else to install.
Production sets DEBUG=0 and must then name its own secrets; evportal/checks.py refuses to start without them.
"""

from pathlib import Path

import environ
from csp.constants import SELF
from django.utils.translation import gettext_lazy as _

from evportal.logs import configure_logging

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where things are -----------------------------------------------------------------------------------
DATA_DIR = Path(env.str("EVPORTAL_DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{PORT}").rstrip("/")

# --- Mode -----------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Embedded: a private installation on this machine. Secrets are made on first start and kept in DATA_DIR.
EMBEDDED = env.bool("EVPORTAL_EMBEDDED", default="DATABASE_URL" not in env.ENVIRON)
DEMO = env.bool("EVPORTAL_DEMO", default=False)
ROLES = frozenset(env.list("EVPORTAL_ROLES", default=["bap", "bpp"]))

# --- Secrets --------------------------------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY and EMBEDDED:
    from apps.lib.secrets import kept_secret

    SECRET_KEY = kept_secret(DATA_DIR / "secret_key")

# Signs the codes on the plugs. Not SECRET_KEY: changing that must not make every sticker in the field a wrong one.
PLUG_CODE_KEY = env.str("PLUG_CODE_KEY", default="")
if not PLUG_CODE_KEY and EMBEDDED:
    from apps.lib.secrets import kept_secret

    PLUG_CODE_KEY = kept_secret(DATA_DIR / "plug_code_key")

# Signs pushes to browsers (VAPID); without one there are no pushes. Another key ends every subscription.
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="")
if not VAPID_PRIVATE_KEY and EMBEDDED:
    from apps.lib.secrets import kept_secret
    from apps.notices.webpush import make_private_key

    VAPID_PRIVATE_KEY = kept_secret(DATA_DIR / "vapid_private_key", make_private_key)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

HTTPS = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Limits per address count the visitor, not the proxy, or one guesser would shut the door for everybody.
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "evportal.views.csrf_failed"
# Probes come over plain http from inside.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
# Bearer token of /metrics; without one they are open on an embedded machine and closed elsewhere.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", default="sandbox")
# Where a form of ours may lead: the pages on which people pay.
PAY_PAGES = {"stripe": ["https://checkout.stripe.com"], "razorpay": ["https://api.razorpay.com"]}
# Where the photos of other operators may come from, on the pages of the map only; empty shows none of theirs.
PHOTO_SOURCES = env.list("PHOTO_SOURCES", default=["https:"])
# Words in ratings that wait for a look beside those that apps/ratings/rules.py knows.
RATING_HELD_WORDS = env.list("RATING_HELD_WORDS", default=[])

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # Our photos are told to the network with PUBLIC_URL, whatever name this visitor knows us by.
        "img-src": [SELF, PUBLIC_URL, "data:", *env.list("TILE_HOSTS", default=[])],
        "connect-src": [SELF],
        "frame-ancestors": ["'none'"],
        "form-action": [SELF, *PAY_PAGES.get(PAYMENT_PROVIDER, [])],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

# --- Applications ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",  # first: its runserver is the ASGI one
    "evportal.admin_site.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",  # its templates, so that ours (templates/django/forms) may stand before them
    "django_htmx",
    "channels",
    "csp",
    "simple_history",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "evportal.apps.EvportalConfig",
    "apps.live",
    "apps.beckn",
    "apps.ocpp",
    "apps.accounts",
    "apps.payments",
    "apps.catalog",
    "apps.charging",
    "apps.bookings",
    "apps.discovery",
    "apps.orders",
    "apps.ratings",
    "apps.notices",
    "apps.support",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "evportal.middleware.CompressedPages",
    "evportal.middleware.log_context",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evportal.middleware.guests_have_no_account_pages",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "evportal.middleware.show_refusals",
]

ROOT_URLCONF = "evportal.urls"
ASGI_APPLICATION = "evportal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evportal.context.portal",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "evportal.templatetags.portal",
            ],
        },
    }
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database -------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'evportal.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
    }
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # a file: live servers and threads share it
else:
    _database["CONN_MAX_AGE"] = 0  # the pool keeps the connections
    _database["OPTIONS"] = {
        "pool": {"min_size": 2, "max_size": env.int("DATABASE_POOL", default=16)},
        # Compiling a question about a whole country took half a second, answering it a tenth.
        "options": "-c jit=off",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: channel layer and cache ---------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="")
REDIS_PREFIX = env.str("REDIS_PREFIX", default="evportal")  # two installations may share one Redis
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "apps.lib.channel.RedisLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": REDIS_PREFIX},
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": REDIS_PREFIX,
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "apps.lib.channel.MemoryLayer", "CONFIG": {"capacity": 1000}}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Does the web process also drain the network's boxes? Right without Redis, where nothing crosses processes.
WORKER_IN_SERVER = env.bool("WORKER_IN_SERVER", default=not REDIS_URL)

# --- People ---------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.PortalBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "apps.accounts.forms.SignupForm"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="optional")
# Beside allauth's own limits: how many guests may come from one address.
ACCOUNT_RATE_LIMITS = {"guest": "30/h/ip"}
ACCOUNT_ADAPTER = "apps.accounts.adapter.PortalAccountAdapter"
MFA_TOTP_ISSUER = "EV Portal"

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="EV Portal <no-reply@localhost>")

# --- Language, time, files ------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("hi", _("Hindi"))]
LOCALE_PATHS = [BASE_DIR / "evportal" / "locale"]
LANGUAGE_COOKIE_AGE = 31_536_000  # guests keep their choice too
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["evportal.formats"]

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.str("STATIC_ROOT", default=str(DATA_DIR / "staticfiles"))
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing one
# Hashed names once `collectstatic` has run; straight from static/ otherwise (embedded, tests).
HASHED_STATIC = env.bool("HASHED_STATIC", default=(Path(STATIC_ROOT) / "staticfiles.json").exists())
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if HASHED_STATIC
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not HASHED_STATIC
# Photos of stations. Several machines need one folder that all of them see (docs/running.md).
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(DATA_DIR / "media"))
MEDIA_URL = "media/"

# --- The Beckn network ----------------------------------------------------------------------------------
BECKN = {
    "DOMAIN": env.str("BECKN_DOMAIN", default="ev-charging:uei"),
    "COUNTRY": env.str("BECKN_COUNTRY", default="IND"),
    "CITY": env.str("BECKN_CITY", default="std:080"),
    "BAP_ID": env.str("BECKN_BAP_ID", default="bap.localhost"),
    "BPP_ID": env.str("BECKN_BPP_ID", default="bpp.localhost"),
    "REGISTRY_ID": env.str("BECKN_REGISTRY_ID", default="registry.localhost"),
    # Base64 Ed25519 private keys, 32-byte seed or 64 bytes; made and kept in DATA_DIR when embedded.
    "SIGNING_KEY": env.str("BECKN_SIGNING_KEY", default=""),
    "ENCRYPTION_KEY": env.str("BECKN_ENCRYPTION_KEY", default=""),
    "KEY_ID": env.str("BECKN_KEY_ID", default="k1"),
    # Empty: the built-in registry. Otherwise the base URL of a registry that answers /lookup.
    "REGISTRY_URL": env.str("BECKN_REGISTRY_URL", default=""),
    "REGISTRY_STYLE": env.str(
        "BECKN_REGISTRY_STYLE", default="core"
    ),  # core | ps (protocol-server field names)
    "CHALLENGE": env.str("BECKN_CHALLENGE", default="decrypt"),  # decrypt | sign
    # The remote registry's public key (base64): its challenges must be signed with it.
    "REGISTRY_PUBLIC_KEY": env.str("BECKN_REGISTRY_PUBLIC_KEY", default=""),
    # Built-in registry: who passed the challenge is subscribed at once; otherwise an administrator admits them.
    "ADMIT_ON_CHALLENGE": env.bool("BECKN_ADMIT_ON_CHALLENGE", default=False),
    # Empty: search goes to every BPP of the registry. Otherwise the subscriber id of a gateway.
    "GATEWAY_ID": env.str("BECKN_GATEWAY_ID", default=""),
    "TTL_SECONDS": env.int("BECKN_TTL_SECONDS", default=30),
    "MAX_BODY_BYTES": env.int("BECKN_MAX_BODY_BYTES", default=2_000_000),
    # Grievances with their words: the issue quartet of ONDC's IGM 1.0, an extension that both sides must speak.
    "IGM": env.bool("BECKN_IGM", default=False),
    # Plain http and private addresses are for one machine only.
    "ALLOW_INSECURE_PEERS": env.bool("BECKN_ALLOW_INSECURE_PEERS", default=EMBEDDED),
}

# --- Discovery ------------------------------------------------------------------------------------------
DISCOVERY = {
    # The same area is asked again after this long, and never more areas at once than this.
    "SEARCH_EVERY_SECONDS": env.int("SEARCH_EVERY_SECONDS", default=30),
    "SEARCHES_AT_ONCE": env.int("SEARCHES_AT_ONCE", default=40),
    # A status older than this is "Not confirmed".
    "FRESH_FOR_SECONDS": env.int("FRESH_FOR_SECONDS", default=900),
    "OFFERS_SHOWN_HOURS": env.int("OFFERS_SHOWN_HOURS", default=24),
    "OFFERS_KEPT_DAYS": env.int("OFFERS_KEPT_DAYS", default=30),
    # "My usual charge", for which prices are compared, and the currency of a highest price in the filters.
    "USUAL_KWH": env.int("USUAL_KWH", default=20),
    "USUAL_MINUTES": env.int("USUAL_MINUTES", default=35),
    "CURRENCY": env.str("CURRENCY", default="INR"),
}

# --- Charging -------------------------------------------------------------------------------------------
OCPP = {
    "HEARTBEAT_SECONDS": env.int("OCPP_HEARTBEAT_SECONDS", default=60),
    "METER_SECONDS": env.int("OCPP_METER_SECONDS", default=5),
    "COMMAND_SECONDS": env.int(
        "OCPP_COMMAND_SECONDS", default=15
    ),  # how long a charge point may take to answer
    "ADMIT_UNKNOWN": env.bool("OCPP_ADMIT_UNKNOWN", default=False),
    "REQUIRE_TLS": env.bool("OCPP_REQUIRE_TLS", default=False),  # security profile 2
}
CHARGING = {
    "START_SECONDS": env.int("START_SECONDS", default=90),
    "STATUS_EVERY_SECONDS": env.int("STATUS_EVERY_SECONDS", default=30),
    "NO_ENERGY_MINUTES": env.int("NO_ENERGY_MINUTES", default=10),
}
# How long a link to a running charge is good (`tracking.url`); the app asks for a new one.
TRACK_LINK_HOURS = env.int("TRACK_LINK_HOURS", default=12)
PAYMENT_PROVIDERS = {
    "sandbox": "apps.payments.providers.sandbox",
    "stripe": "apps.payments.providers.stripe",
    "razorpay": "apps.payments.providers.razorpay",
}
STRIPE = {
    "SECRET_KEY": env.str("STRIPE_SECRET_KEY", default=""),
    "WEBHOOK_SECRET": env.str("STRIPE_WEBHOOK_SECRET", default=""),
    "API_URL": "https://api.stripe.com",
}
RAZORPAY = {
    "KEY_ID": env.str("RAZORPAY_KEY_ID", default=""),
    "KEY_SECRET": env.str("RAZORPAY_KEY_SECRET", default=""),
    "WEBHOOK_SECRET": env.str("RAZORPAY_WEBHOOK_SECRET", default=""),
    "API_URL": "https://api.razorpay.com",
}
# What the sandbox bank does by itself: ask (on its page), approve, decline, hang, timeout.
SANDBOX_BANK = env.str("SANDBOX_BANK", default="ask")
# What it does with refunds: late (after a while), settle (at once), decline, hang (for ever), timeout.
SANDBOX_REFUNDS = env.str("SANDBOX_REFUNDS", default="late")
REFUNDS = {
    # How long after the end of an order a driver may ask, and how long the money may take (AT-J3).
    "WINDOW_DAYS": env.int("REFUND_WINDOW_DAYS", default=30),
    "PROMISE_DAYS": env.int("REFUND_PROMISE_DAYS", default=5),
    # Currency → the most that a person of support level 1, and of level 2, may approve. A currency that is missing
    # here is the grievance officer's.
    "LIMITS": env.json("REFUND_LIMITS", default={"INR": [500, 5000], "USD": [10, 100], "EUR": [10, 100]}),
    # Currency → up to so much of one bill our operators agree to at once, without a person. Nothing unless they say so:
    # whoever knows the figure could ask for it after every charge.
    "AGREED_AT_ONCE": env.json("REFUND_AGREED_AT_ONCE", default={}),
    # Currency → up to so much of all bills of one re-rating a manager or finance of the operator credits alone.
    "RERATE_ALONE": env.json("RERATE_ALONE_LIMITS", default={"INR": 1000, "USD": 20, "EUR": 20}),
}
# Online dispute resolution, for who does not agree with the grievance officer (AT-J2). Empty: not shown.
ODR_URL = env.str("ODR_URL", default="")

# --- Map ------------------------------------------------------------------------------------------------
TILE_URL = env.str("TILE_URL", default="")
TILE_ATTRIBUTION = env.str("TILE_ATTRIBUTION", default="")
MAP_START = env.json("MAP_START", default={"lat": 12.9716, "lon": 77.5946, "zoom": 12})

# --- Logs -----------------------------------------------------------------------------------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if EMBEDDED else "json")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = None
configure_logging(LOG_FORMAT, LOG_LEVEL)
