"""One spelling of a name for all that directories take for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access.spellings import guessed_name, sign_in_name

#: Spellings of `leo` that a directory takes for it.
OF_LEO = (
    "leo",
    "LEO",
    "Leo",
    " leo",
    "leo ",
    "\tleo\u3000",
    "\u00a0leo",
    "ｌｅｏ",
    "ＬＥＯ",
    "le\u00ado",
    "l\u200beo",
    "leo\ufe0f",
    "\ufeffleo",
    "le\u2060o",
    "𝓵𝓮𝓸",
    "ⓛⓔⓞ",
)


@pytest.mark.parametrize("typed", OF_LEO, ids=ascii)
def test_spellings_of_one_name(typed: str) -> None:
    assert sign_in_name(typed) == "leo"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("", ""),
        (" ", ""),
        ("Ada  Lovelace", "ada lovelace"),
        ("ada\u2003\tlovelace ", "ada lovelace"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("café", "café"),
        ("cafe\u0301", "café"),
        ("leo\0", "leo\0"),
        ("robot+ci", "robot+ci"),
        ("leo1", "leo1"),
    ],
)
def test_other_names(typed: str, name: str) -> None:
    assert sign_in_name(typed) == name


@pytest.mark.parametrize("typed", ["léo", "LÉO", "le\u0301o", "l\u0308e\u030ao", *OF_LEO], ids=ascii)
def test_guesses_are_counted_without_accents(typed: str) -> None:
    assert guessed_name(typed) == "leo"


@given(st.text(max_size=40))
def test_to_spell_it_twice_changes_nothing(typed: str) -> None:
    once = sign_in_name(typed)
    assert sign_in_name(once) == once
    assert guessed_name(once) == guessed_name(typed)
