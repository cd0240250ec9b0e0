"""The published signing vectors hold for the foreign reading of the specification too."""

import pytest

from tests.foreign.beckn import (
    Forged,
    Keys,
    authorization,
    digest,
    parse_authorization,
    signature_holds,
    verified_sender,
)

V1_BODY = (
    b'{"context":{"domain":"nic2004:60212","country":"IND","city":"Kochi","action":"search",'
    b'"core_version":"0.9.1","bap_id":"bap.stayhalo.in",'
    b'"bap_uri":"https://8f9f-49-207-209-131.ngrok.io/protocol/",'
    b'"transaction_id":"e6d9f908-1d26-4ff3-a6d1-3af3d3721054",'
    b'"message_id":"a2fe6d52-9fe4-4d1a-9d0b-dccb8b48522d","timestamp":"2022-01-04T09:17:55.971Z","ttl":"P1M"},'
    b'"message":{"intent":{"fulfillment":{"start":{"location":{"gps":"10.108768, 76.347517"}},'
    b'"end":{"location":{"gps":"10.102997, 76.353480"}}}}}}'
)
V1_DIGEST = "b6lf6lRgOweajukcvcLsagQ2T60+85kRh/Rd2bdS+TG/5ALebOEgDJfyCrre/1+BMu5nA94o4DT3pTFXuUg7sw=="
V2_BODY = (
    '{"context":{"domain":"ev-charging:uei","action":"search","version":"1.1.0",'
    '"bap_id":"app.voltpath.example","bap_uri":"https://app.voltpath.example/beckn/bap",'
    '"transaction_id":"8d0c1f52-6a7e-4b1d-9a53-3f6a1c0e9b11",'
    '"message_id":"0b8f5a0e-2a55-4c67-9d3e-51f0a9b7c001","timestamp":"2026-03-02T10:15:30.000Z","ttl":"PT30S"},'
    '"message":{"intent":{"descriptor":{"name":"Café ₹ चार्जर"}}}}'
).encode()
V2_DIGEST = "aGbgg4GcX0fFNW+zlG9ulOnLHDZSC1Wmut4+5b6G7qkACX+95Zb2V87LOPh+xCL8CgvoEqKx+FqTBHvc1sp0OA=="
V2_ASCII_DIGEST = "g6nRwuKOyPC77c1zvz+jx6O7NnU7D4jqUbNk+aJkbrZzGVGw3O4cWr6VhRQPzcmCC6Ai8tIt/oGtB7QXzNEx2A=="
V3_BODY = b'{"context":{"action":"on_search"},"error":{"code":"30001","message":"none"}}'
V3_DIGEST = "FDwU1LFeD/2QsNUsTalrOQ+jjjByffva+9TOCkfZpKmyqxIyoIMFMk/uU7PE2KYJeF60CosbSlBJaZ2gwt8LTw=="
V4_PRIVATE = "hJ5sCmbe7s9Wateq6QAdBGloVSkLuLHWOXcRkzrMcVLthFldV4gnT9Vrnq9iDNPVSKuDqaercVjQwFlj0Ml+3Q=="

VECTORS = {
    "V1": (
        V1_BODY,
        V1_DIGEST,
        "lP3sHA+9gileOkXYJXh4Jg8tK0gEEMbf9yCPnFpbldhrAY+NErqL9WD+Vav7TE5tyVXGXBle9ONZi2W7o144eQ==",
        "awGPjRK6i/Vg/lWr+0xObclVxlwZXvTjWYtlu6NeOHk=",
        1641287875,
        1641291475,
        "cjbhP0PFyrlSCNszJM1F/YmHDVAWsZqJUPzojnE/7TJU3fJ/rmIlgaUHEr5E0/2PIyf0tpSnWtT6cyNNlpmoAQ==",
    ),
    "V2": (
        V2_BODY,
        V2_DIGEST,
        "CIaTfQ5A1dOCe89/ABLe48tRIhLHSIqvGd4RgSrbRDM=",
        "lqx0Vjjt0Xhz3kfb0MLlI3icit9O4tYwrnVEUG7Zxnk=",
        1772446530,
        1772446560,
        "uzsqELs8J20z5awBmQl6L1SaEMz6e4PgVfkLXajJiSPEYSm2P8fBtrQBXsjyGto7xgu/gLG8ReDGyjzsa3H2Bw==",
    ),
    "V3": (
        V3_BODY,
        V3_DIGEST,
        "6W9VAyzQd1qXFimjGKzGXIkIjJ1GC4G57NumbNnplLk=",
        "mfE6zIo8c4fReJHZyeF7mTtcDs7TqbFi3DGco3dXb8o=",
        1772446531,
        1772446561,
        "eLyTmGA84TIevvOqpwsR8uYiw8Z7wLdgMeyFxUrbIkcWhlMT0i5ctkjI8agPhXF/ljrn6APrx27cW6Yp3lhwAA==",
    ),
    "V4": (
        V1_BODY,
        V1_DIGEST,
        V4_PRIVATE,
        "7YRZXVeIJ0/Va56vYgzT1Uirg6mnq3FY0MBZY9DJft0=",
        1641287885,
        1641291485,
        "kUgvyU+bdXXkNuYKygbv0gkjArHKyF9Eg4pdCyxb+J1bMyQ6n4G1RVSM97qqKmgw04mgOkbhyz5chnD3PP1lDQ==",
    ),
}


# --- Signing ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "its_digest", "private", "public", "created", "expires", "signature"),
    VECTORS.values(),
    ids=VECTORS,
)
def test_published_vector_holds(body, its_digest, private, public, created, expires, signature):
    keys = Keys.load("someone", "k1", private)
    assert digest(body) == its_digest
    assert keys.public == public
    assert keys.sign(body, created, expires) == signature
    assert signature_holds(public, signature, body, created, expires)


def test_vector_lengths_are_the_published_ones():
    assert (len(V1_BODY), len(V2_BODY), len(V3_BODY)) == (496, 396, 76)


def test_the_same_json_written_otherwise_has_another_digest():
    ascii_form = V2_BODY.decode().encode("ascii", "namereplace")
    assert ascii_form != V2_BODY
    escaped = "".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in V2_BODY.decode()).encode()
    assert digest(escaped) == V2_ASCII_DIGEST != V2_DIGEST
    _, _, _, public, created, expires, signature = VECTORS["V2"]
    for other in (escaped, V2_BODY + b"\n", V2_BODY.replace(b":", b": ", 1)):
        assert not signature_holds(public, signature, other, created, expires)


def test_the_printed_gateway_signature_of_the_specification_is_refused():
    assert not signature_holds(VECTORS["V4"][3], V4_PRIVATE, V1_BODY, 1641287885, 1641287885)


def test_private_key_with_a_strange_second_half_is_refused():
    seed = VECTORS["V2"][2]
    with pytest.raises(ValueError, match="Ed25519"):
        Keys.load("someone", "k1", VECTORS["V1"][2][:43] + seed[:1] + VECTORS["V1"][2][44:])


def test_header_is_read_in_any_order_with_spaces_and_bare_numbers():
    header = 'Signature algorithm="ed25519", created=10,expires = 20 ,keyId="a|b|ed25519"'
    assert parse_authorization(header) == {
        "algorithm": "ed25519",
        "created": "10",
        "expires": "20",
        "keyId": "a|b|ed25519",
    }


def test_sender_is_who_signed():
    _, _, private, public, created, expires, _ = VECTORS["V2"]
    header = authorization(Keys.load("app", "k1", private), V2_BODY, created=created, expires=expires)
    assert verified_sender(header, V2_BODY, lambda *_: public, now=created + 1) == "app"
    for now, why in ((created - 6, "future"), (expires + 1, "expired")):
        with pytest.raises(Forged, match=why):
            verified_sender(header, V2_BODY, lambda *_: public, now=now)
    with pytest.raises(Forged, match="unknown key"):
        verified_sender(header, V2_BODY, lambda *_: None, now=created)
