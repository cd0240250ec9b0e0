"""A wrong setting stops the start and says what to do; a right production is clean."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

PRODUCTION = {
    "PUBLIC_URL": "https://charge.example.org",
    "ALLOWED_HOSTS": "charge.example.org",
    "SECRET_KEY": "k9_Zx-4fQ" * 7,
    "PLUG_CODE_KEY": "p3_Wq-8dN" * 7,
    "DATABASE_URL": "postgres://portal@database.example.org/portal",
    "REDIS_URL": "redis://redis.example.org:6379/0",
    "BECKN_SIGNING_KEY": "A" * 43 + "=",
    "BECKN_ENCRYPTION_KEY": "A" * 43 + "=",
}
OURS = {*PRODUCTION, "EVPORTAL_DEMO", "DEBUG", "EVPORTAL_EMBEDDED", "EVPORTAL_ROLES", "LOG_FORMAT"}


def check(tmp_path, *, deploy: bool = False, **environment: str) -> tuple[int, str]:
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", *(["--deploy"] if deploy else [])],
        cwd=django_settings.BASE_DIR,
        env={**clean, "EVPORTAL_DATA_DIR": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_right_production_is_clean(tmp_path):
    code, said = check(tmp_path, deploy=True, **PRODUCTION)
    assert "no issues (0 silenced)" in said, said
    assert code == 0


def test_production_without_its_secret_does_not_start(tmp_path):
    code, said = check(tmp_path, **{**PRODUCTION, "SECRET_KEY": ""})
    assert code != 0
    assert "evportal.E010" in said
    assert "50 or more random characters" in said


def test_an_operator_side_without_the_key_of_its_stickers_does_not_start(tmp_path):
    without = {**PRODUCTION, "PLUG_CODE_KEY": ""}
    code, said = check(tmp_path, **without)
    assert code != 0
    assert "evportal.E018" in said
    assert check(tmp_path, **without, EVPORTAL_ROLES="bap")[0] == 0


@pytest.mark.parametrize("provider", ["stripe", "razorpay"])
def test_a_payment_provider_without_its_keys_does_not_start(tmp_path, provider):
    code, said = check(tmp_path, **PRODUCTION, PAYMENT_PROVIDER=provider)
    assert code != 0
    assert "evportal.E019" in said
    assert f"{provider.upper()}_WEBHOOK_SECRET" in said


def test_an_embedded_installation_makes_its_own_secret(tmp_path):
    code, said = check(tmp_path)
    assert code == 0, said
    for kept in ("secret_key", "plug_code_key", "vapid_private_key"):
        assert (tmp_path / kept).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"EVPORTAL_ROLES": "bap,bop"}, "bap,bpp"),
        ({"VAPID_PRIVATE_KEY": "x"}, "evportal.E021"),
        ({"LOG_FORMAT": "xml"}, "console, json"),
        ({"MAP_START": '{"lat": 123, "lon": 0, "zoom": 3}'}, "MAP_START"),
        ({"PUBLIC_URL": "charge.example.org"}, "https://charge.example.org"),
        ({"ODR_URL": "javascript:alert(1)"}, "evportal.E022"),
        ({"BECKN_TTL_SECONDS": "0"}, "greater than zero"),
        ({"BECKN_REGISTRY_STYLE": "fancy"}, "core, ps"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_hint(tmp_path, wrong, told):
    code, said = check(tmp_path, **wrong)
    assert code != 0
    assert told in said


def test_a_public_demo_is_warned_of(settings):
    from evportal.checks import demo_is_not_public

    settings.DEMO, settings.DEBUG, settings.HTTPS = True, False, True
    assert [fault.id for fault in demo_is_not_public(None)] == ["evportal.W011"]
    settings.HTTPS = False
    assert demo_is_not_public(None) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"SANDBOX_REFUNDS": "maybe"},
        {"REFUND_WINDOW_DAYS": "0"},
        {"REFUND_LIMITS": '{"INR": [5000, 500]}'},
        {"REFUND_LIMITS": "[1]"},
        {"REFUND_AGREED_AT_ONCE": '{"INR": "much"}'},
    ],
)
def test_wrong_words_on_refunds_stop_the_start(tmp_path, wrong):
    code, said = check(tmp_path, **PRODUCTION, **wrong)
    assert code != 0
    assert next(iter(wrong)) in said
