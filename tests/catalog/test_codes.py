"""The code itself: signed, forgiving to hands, deaf to guesses; and its picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog import codes
from apps.catalog.codes import ALPHABET, LENGTH, ending, grouped, new_code, qr_svg, read_code


def test_a_new_code_is_twelve_characters_that_are_not_mistaken():
    made = {new_code() for _ in range(200)}
    assert len(made) == 200
    assert all(len(code) == LENGTH == 12 and set(code) <= set(ALPHABET) for code in made)
    assert not set("ILOU") & set(ALPHABET)


@pytest.mark.parametrize("write", [str, str.lower, grouped, lambda code: f"  {code[:3]} {code[3:]}\t"])
def test_it_is_read_however_it_is_typed(write):
    code = new_code()
    assert read_code(write(code)) == code


def test_look_alikes_are_read_as_what_was_printed(monkeypatch):
    monkeypatch.setattr(codes.secrets, "choice", lambda letters: "1" if "1" in letters else "0")
    code = new_code()
    assert code.startswith("11111111")
    assert read_code("ILilILil" + code[8:]) == code
    monkeypatch.setattr(codes.secrets, "choice", lambda letters: "0")
    code = new_code()
    assert read_code("OoOoOOoo" + code[8:]) == code


def test_one_wrong_character_is_noticed(monkeypatch):
    """20 bits: of all 372 slips of one character hardly ever one passes."""
    code = new_code()
    slips = [
        code[:place] + letter + code[place + 1 :]
        for place in range(LENGTH)
        for letter in ALPHABET
        if letter != code[place]
    ]
    assert sum(read_code(slip) is not None for slip in slips) <= 1


@pytest.mark.parametrize(
    "typed", ["", "-", "ABC", "U" * 12, "0" * 41, "٣" * 12, "ＡＢＣ" * 4, "<script>alert"]
)
def test_what_is_no_code_is_none(typed):
    assert read_code(typed) is None


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_the_reader(typed):
    read = read_code(typed)
    assert read is None or len(read) == LENGTH


def test_another_key_signs_otherwise(settings):
    code = new_code()
    settings.PLUG_CODE_KEY = "another"
    assert read_code(code) is None


def test_secret_key_is_not_the_key_of_the_stickers(settings):
    code = new_code()
    settings.SECRET_KEY = "rotated"
    assert read_code(code) == code


def test_the_picture_is_small_svg_of_its_own():
    picture = qr_svg("https://charge.example.org/c/K7QX4MRT2W9H")
    assert picture.startswith("<svg") and 'fill="white"' in picture
    assert " id=" not in picture and "style" not in picture and "script" not in picture
    assert len(picture) < 20_000


def test_the_driver_compares_the_last_four():
    assert grouped("K7QX4MRT2W9H") == "K7QX-4MRT-2W9H"
    assert ending("K7QX4MRT2W9H") == "2W9H"
