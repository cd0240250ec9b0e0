"""The published vectors of BECKN-006 (where they are right) and our own (fact sheet 2.8)."""

import base64
import json
from datetime import timedelta

import pytest

from apps.beckn import signing
from apps.beckn.signing import AuthError, KeyUnusable

BAP_BODY = (
    b'{"context":{"domain":"nic2004:60212","country":"IND","city":"Kochi","action":"search","core_version":"0.9.1",'
    b'"bap_id":"bap.stayhalo.in","bap_uri":"https://8f9f-49-207-209-131.ngrok.io/protocol/",'
    b'"transaction_id":"e6d9f908-1d26-4ff3-a6d1-3af3d3721054","message_id":"a2fe6d52-9fe4-4d1a-9d0b-dccb8b48522d",'
    b'"timestamp":"2022-01-04T09:17:55.971Z","ttl":"P1M"},"message":{"intent":{"fulfillment":{"start":{"location":'
    b'{"gps":"10.108768, 76.347517"}},"end":{"location":{"gps":"10.102997, 76.353480"}}}}}}'
)
UTF8_BODY = (
    '{"context":{"domain":"ev-charging:uei","action":"search","version":"1.1.0","bap_id":"app.voltpath.example",'
    '"bap_uri":"https://app.voltpath.example/beckn/bap","transaction_id":"8d0c1f52-6a7e-4b1d-9a53-3f6a1c0e9b11",'
    '"message_id":"0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c001","timestamp":"2026-03-02T10:15:30.000Z","ttl":"PT30S"},'
    '"message":{"intent":{"descriptor":{"name":"Café ₹ चार्जर"}}}}'
).encode()
CALLBACK_BODY = b'{"context":{"action":"on_search"},"error":{"code":"30001","message":"none"}}'
V1_DIGEST = "b6lf6lRgOweajukcvcLsagQ2T60+85kRh/Rd2bdS+TG/5ALebOEgDJfyCrre/1+BMu5nA94o4DT3pTFXuUg7sw=="
V2_SIGNATURE = "uzsqELs8J20z5awBmQl6L1SaEMz6e4PgVfkLXajJiSPEYSm2P8fBtrQBXsjyGto7xgu/gLG8ReDGyjzsa3H2Bw=="
V2_SEED = "CIaTfQ5A1dOCe89/ABLe48tRIhLHSIqvGd4RgSrbRDM="
V2_LONG = "CIaTfQ5A1dOCe89/ABLe48tRIhLHSIqvGd4RgSrbRDOWrHRWOO3ReHPeR9vQwuUjeJyK307i1jCudURQbtnGeQ=="
V2_PUBLIC = "lqx0Vjjt0Xhz3kfb0MLlI3icit9O4tYwrnVEUG7Zxnk="
VECTORS = {
    "V1": (
        BAP_BODY,
        "lP3sHA+9gileOkXYJXh4Jg8tK0gEEMbf9yCPnFpbldhrAY+NErqL9WD+Vav7TE5tyVXGXBle9ONZi2W7o144eQ==",
        "awGPjRK6i/Vg/lWr+0xObclVxlwZXvTjWYtlu6NeOHk=",
        V1_DIGEST,
        (1641287875, 1641291475),
        "cjbhP0PFyrlSCNszJM1F/YmHDVAWsZqJUPzojnE/7TJU3fJ/rmIlgaUHEr5E0/2PIyf0tpSnWtT6cyNNlpmoAQ==",
    ),
    "V2": (
        UTF8_BODY,
        V2_SEED,
        V2_PUBLIC,
        "aGbgg4GcX0fFNW+zlG9ulOnLHDZSC1Wmut4+5b6G7qkACX+95Zb2V87LOPh+xCL8CgvoEqKx+FqTBHvc1sp0OA==",
        (1772446530, 1772446560),
        V2_SIGNATURE,
    ),
    "V3": (
        CALLBACK_BODY,
        "6W9VAyzQd1qXFimjGKzGXIkIjJ1GC4G57NumbNnplLk=",
        "mfE6zIo8c4fReJHZyeF7mTtcDs7TqbFi3DGco3dXb8o=",
        "FDwU1LFeD/2QsNUsTalrOQ+jjjByffva+9TOCkfZpKmyqxIyoIMFMk/uU7PE2KYJeF60CosbSlBJaZ2gwt8LTw==",
        (1772446531, 1772446561),
        "eLyTmGA84TIevvOqpwsR8uYiw8Z7wLdgMeyFxUrbIkcWhlMT0i5ctkjI8agPhXF/ljrn6APrx27cW6Yp3lhwAA==",
    ),
    "V4": (
        BAP_BODY,
        "hJ5sCmbe7s9Wateq6QAdBGloVSkLuLHWOXcRkzrMcVLthFldV4gnT9Vrnq9iDNPVSKuDqaercVjQwFlj0Ml+3Q==",
        "7YRZXVeIJ0/Va56vYgzT1Uirg6mnq3FY0MBZY9DJft0=",
        V1_DIGEST,
        (1641287885, 1641291485),
        "kUgvyU+bdXXkNuYKygbv0gkjArHKyF9Eg4pdCyxb+J1bMyQ6n4G1RVSM97qqKmgw04mgOkbhyz5chnD3PP1lDQ==",
    ),
}


def header(window, signature, *, signed=signing.SIGNED):
    created, expires = window
    return (
        f'Signature keyId="app|k|ed25519",algorithm="ed25519",created="{created}",expires="{expires}",'
        f'headers="{signed}",signature="{signature}"'
    )


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_the_vectors_are_signed_and_verified_to_the_letter(vector):
    body, private, public, digest, window, signature = vector
    key = signing.load_private_key(private)
    assert signing.digest(body) == digest
    assert signing.public_text(key) == public
    assert signing.sign(key, signing.signing_string(digest, *window)) == signature
    read = signing.read_authorization(header(window, signature), now=window[0])
    assert read.holds(signing.load_public_key(public), digest)


def test_the_four_line_form_of_v3():
    _body, private, public, digest, window, _signature = VECTORS["V3"]
    signature = "sNAYINrbDQrkp7b5J8i5tbmV1nPgHcT6g/CNU2VZ++BWDwlfDYkEPra7wQCGvc/iH9GiQESfCVC3QqsUN0izCw=="
    text = signing.signing_string(digest, *window, V2_SIGNATURE)
    assert signing.sign(signing.load_private_key(private), text) == signature
    read = signing.read_authorization(
        header(window, signature, signed=signing.SIGNED_WITH_REQUEST), now=window[0]
    )
    key = signing.load_public_key(public)
    assert read.holds(key, digest, V2_SIGNATURE)
    assert not read.holds(key, digest) and not read.holds(key, digest, "b3RoZXI=")


def test_the_digest_is_blake2b_512():
    assert signing.digest(b"The quick brown fox jumps over the lazy dog") == (
        "qK3Uvd39k+SHfSdG5igXsRY2Sh+nvBSNlQkLxzM7NnP4JAHPeqLkyx7NkCluPxTLVBP47Xe+cwRbE5FM3NapGA=="
    )


def test_other_bytes_of_the_same_json_do_not_verify():
    body, _private, public, digest, window, signature = VECTORS["V2"]
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert signing.digest(again) == (
        "g6nRwuKOyPC77c1zvz+jx6O7NnU7D4jqUbNk+aJkbrZzGVGw3O4cWr6VhRQPzcmCC6Ai8tIt/oGtB7QXzNEx2A=="
    )
    read = signing.read_authorization(header(window, signature), now=window[0])
    assert not read.holds(signing.load_public_key(public), signing.digest(again))
    assert not read.holds(signing.load_public_key(VECTORS["V3"][2]), digest)


def test_what_we_emit_is_backdated_and_lives_one_to_five_minutes():
    key = signing.load_private_key(V2_SEED)

    def window(ttl):
        emitted = signing.authorization(key, "a", "k1", "x", now=1_000_000, ttl=ttl)
        read = signing.read_authorization(emitted, now=1_000_000)
        return read.created, read.expires

    assert window(timedelta(seconds=30)) == (999_998, 1_000_060)
    assert window(timedelta(seconds=90)) == (999_998, 1_000_090)
    assert window(timedelta(days=1)) == (999_998, 1_000_300)


@pytest.mark.parametrize(
    ("window", "now", "good"),
    [
        ((100, 160), 95, True),
        ((100, 160), 94, False),
        ((100, 160), 160, True),
        ((100, 160), 161, False),
        ((100, 3700), 100, True),
        ((100, 3800), 100, False),
    ],
)
def test_the_clock_is_strict(window, now, good):
    text = header(window, V2_SIGNATURE)
    if good:
        signing.read_authorization(text, now=now)
    else:
        with pytest.raises(AuthError) as refusal:
            signing.read_authorization(text, now=now)
        assert refusal.value.reason == "clock"


@pytest.mark.parametrize("form", [V2_SEED, V2_LONG])
def test_both_forms_of_private_keys_load(form):
    assert signing.public_text(signing.load_private_key(form)) == V2_PUBLIC


def test_public_keys_load_raw_and_as_der():
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(V2_PUBLIC)
    assert signing.raw_public_text(base64.b64encode(der).decode()) == V2_PUBLIC
    assert signing.raw_public_text(f" {V2_PUBLIC}\n") == V2_PUBLIC


@pytest.mark.parametrize("text", ["", "?", "AAAA", V2_LONG[:-4] + "AAA="])
def test_unusable_keys_are_refused(text):
    with pytest.raises(KeyUnusable):
        signing.load_private_key(text)
    with pytest.raises(KeyUnusable):
        signing.load_public_key(text)


def test_a_challenge_is_only_read_by_whom_it_was_meant_for():
    key, other = (signing.load_encryption_key(signing.make_encryption_key()) for _ in range(2))
    sealed = signing.encrypt_challenge(signing.encryption_public_text(key), "open sesame")
    assert signing.decrypt_challenge(key, sealed) == "open sesame"
    with pytest.raises(KeyUnusable):
        signing.decrypt_challenge(other, sealed)


def test_a_signed_challenge_opens_with_the_public_key():
    answer = signing.signed_challenge(signing.load_private_key(V2_SEED), "open sesame")
    assert signing.opens_signed_challenge(V2_PUBLIC, answer, "open sesame")
    assert not signing.opens_signed_challenge(V2_PUBLIC, answer, "other")
    assert not signing.opens_signed_challenge(VECTORS["V3"][2], answer, "open sesame")
    assert not signing.opens_signed_challenge(V2_PUBLIC, "?", "open sesame")
