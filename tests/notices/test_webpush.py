"""What is sent to browsers: RFC 8291's own example, and what another implementation makes of ours."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from apps.notices import webpush
from tests.notices.browser_keys import BrowserKeys

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def test_the_example_of_the_rfc():
    """RFC 8291, section 5 and appendix A."""
    body = webpush.encrypted(
        b"When I grow up, I want to be a watermelon",
        p256dh="BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        auth="BTBZMqHH6r4Tts7J_aSIgg",
        ours=webpush.load_private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=webpush.bytes_of("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert webpush.text_of(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
        "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_browser_can_read_it_and_each_message_is_another_secret():
    browser = BrowserKeys()
    said = [webpush.encrypted("नमस्ते".encode(), p256dh=browser.p256dh, auth=browser.auth) for _ in range(2)]
    assert said[0] != said[1]
    assert [browser.read(body).decode() for body in said] == ["नमस्ते"] * 2


def test_the_request_is_signed_for_the_service_alone():
    key = webpush.load_private_key(webpush.make_private_key())
    said = webpush.headers(
        "https://push.example:444/send/abc?x=1",
        key=key,
        contact="mailto:desk@portal.example",
        now=NOW,
        lasts=timedelta(hours=1),
        topic="x" * 40,
    )
    token, public = said["Authorization"].removeprefix("vapid t=").split(", k=")
    head, claims, signature = token.split(".")
    assert json.loads(webpush.bytes_of(head)) == {"typ": "JWT", "alg": "ES256"}
    assert json.loads(webpush.bytes_of(claims)) == {
        "aud": "https://push.example:444",
        "exp": int((NOW + timedelta(hours=12)).timestamp()),
        "sub": "mailto:desk@portal.example",
    }
    raw = webpush.bytes_of(signature)
    dss = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), webpush.bytes_of(public))
    theirs.verify(dss, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert (said["TTL"], len(said["Topic"])) == ("3600", 32)


@pytest.mark.parametrize(("p256dh", "auth"), [("", ""), ("AAAA", "AAAA"), ("!", "!"), ("B" * 87, "A" * 22)])
def test_keys_that_are_none_are_refused(p256dh, auth):
    with pytest.raises(webpush.KeyUnusable):
        webpush.check_subscription(p256dh, auth)


def test_a_secret_of_another_length_is_refused():
    with pytest.raises(webpush.KeyUnusable):
        webpush.check_subscription(BrowserKeys().p256dh, "AAAA")


@pytest.mark.parametrize("text", ["", "x", "AAAA", "?" * 43])
def test_a_private_key_that_is_none_is_refused(text):
    with pytest.raises(webpush.KeyUnusable):
        webpush.load_private_key(text)
