"""Licences: expressions are read, and rules say what is wrong with them."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.licences import (
    LICENCE_RULES,
    All,
    Choice,
    Licence,
    LicenceRule,
    Terms,
    names_in,
    parse_licence,
)
from orlop.domain.inside.wildcards import matches_words


def made(**said: Any) -> LicenceRule:
    parsed: LicenceRule = LICENCE_RULES.parse("allowed", said)
    return parsed


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("MIT", Licence("MIT")),
        ("MIT or Apache-2.0", Choice((Licence("MIT"), Licence("Apache-2.0")))),
        ("A AND B OR C", Choice((All((Licence("A"), Licence("B"))), Licence("C")))),
        ("A AND (B OR C)", All((Licence("A"), Choice((Licence("B"), Licence("C")))))),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Licence("GPL-2.0-only", "Classpath-exception-2.0")),
        ("GPL-2.0+", Licence("GPL-2.0+")),
        ("  BSD   3 clause ", Licence("BSD 3 clause")),
        ("MIT AND", Licence("MIT AND")),
        ("(MIT", Licence("(MIT")),
        ("AND", Licence("AND")),
        ("(" * 30 + "MIT" + ")" * 30, Licence("(" * 30 + "MIT" + ")" * 30)),
        ("", Licence("")),
    ],
)
def test_what_an_expression_says(text: str, terms: Terms) -> None:
    assert parse_licence(text) == terms


@pytest.mark.parametrize(
    ("rule", "licences", "wrong"),
    [
        ({"allowed": ["MIT", "BSD-*"]}, ("mit",), ""),
        ({"allowed": ["MIT", "BSD-*"]}, ("BSD-3-Clause",), ""),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only",), "GPL-3.0-only is not among the licences that are allowed"),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only OR MIT",), ""),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only AND MIT",), "GPL-3.0-only is not among the licences that are allowed"),
        ({"allowed": ["MIT"]}, ("MIT", "Zlib"), "Zlib is not among the licences that are allowed"),
        ({"allowed": ["*"], "refused": ["AGPL-*"]}, ("AGPL-3.0-or-later",), "AGPL-3.0-or-later is refused"),
        ({"refused": ["AGPL-*"]}, ("AGPL-3.0-or-later OR MIT",), ""),
        ({"refused": ["AGPL-*"]}, (), ""),
        ({"refused": ["AGPL-*"], "unknown": True}, (), "it declares no licence"),
        ({"refused": ["AGPL-*"], "except": ["pkg:npm/%40acme/"]}, ("AGPL-3.0-only",), ""),
    ],
)
def test_what_is_wrong(rule: dict[str, Any], licences: tuple[str, ...], wrong: str) -> None:
    assert made(**rule).wrong(licences, "pkg:npm/%40acme/app") == wrong


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "would say nothing of licences"),
        ({"allowed": ["(MIT)"]}, "'(MIT)' is no name of a licence"),
        ({"refused": ["MIT\n"]}, "is no name of a licence"),
        ({"refused": ["MIT"], "except": ["left-pad"]}, "is no beginning of a package URL"),
    ],
)
def test_what_is_no_rule(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(sentence)):
        made(**said)


@given(st.text(alphabet="()ANDORWITHmit+-. ", max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(name, str) for name in names_in(parse_licence(text)))


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
def test_wildcards_are_those_of_expressions(pattern: str, text: str) -> None:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches_words(pattern, text) is (re.fullmatch(expression, text) is not None)
