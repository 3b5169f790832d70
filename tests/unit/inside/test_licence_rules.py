"""Rules for licences: what they find wrong with expressions, and with words that are none."""

import re
from typing import Any

import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.licence_rules import LICENCE_RULES, LicenceRule, expression_of

NOT_ALLOWED = "GPL-3.0-only is not among the licences that are allowed"


def made(**said: Any) -> LicenceRule:
    parsed: LicenceRule = LICENCE_RULES.parse("allowed", said)
    return parsed


@pytest.mark.parametrize(
    ("rule", "licences", "wrong"),
    [
        ({"allowed": ["MIT", "BSD-*"]}, ("mit",), ""),
        ({"allowed": ["MIT", "BSD-*"]}, ("BSD-3-Clause",), ""),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only",), NOT_ALLOWED),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only OR MIT",), ""),
        ({"allowed": ["MIT"]}, ("GPL-3.0-only AND MIT",), NOT_ALLOWED),
        ({"allowed": ["MIT", "Zlib"]}, ("(GPL-3.0-only OR MIT) AND Zlib",), ""),
        ({"allowed": ["MIT", "Zlib"]}, ("(GPL-3.0-only AND MIT) OR Zlib",), ""),
        (
            {"allowed": ["Zlib"]},
            ("MIT AND Zlib OR GPL-3.0-only AND Zlib",),
            "MIT is not among the licences that are allowed",
        ),
        ({"allowed": ["MIT"]}, ("MIT", "Zlib"), "Zlib is not among the licences that are allowed"),
        ({"allowed": ["*"], "refused": ["AGPL-*"]}, ("AGPL-3.0-or-later",), "AGPL-3.0-or-later is refused"),
        ({"refused": ["AGPL-*"]}, ("AGPL-3.0-or-later OR MIT",), ""),
        ({"refused": ["AGPL-*"]}, (), ""),
        ({"refused": ["AGPL-*"], "unknown": True}, (), "it declares no licence"),
        ({"unknown": True}, ("as is",), "as is is no licence that SPDX lists"),
        ({"unknown": True, "allowed": ["as is", "MIT"]}, ("as  is", "MIT"), ""),
        ({"refused": ["AGPL-*"], "except": ["pkg:npm/%40acme/*"]}, ("AGPL-3.0-only",), ""),
        (
            {"allowed": ["MIT", "GPL-2.0-only WITH Classpath-exception-2.0"]},
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            "",
        ),
        (
            {"refused": ["GPL-*"]},
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            "GPL-2.0-only WITH Classpath-exception-2.0 is refused",
        ),
        (
            {"refused": ["GPL-*"], "allowed": ["GPL-2.0-only WITH Classpath-exception-2.0"]},
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            "",
        ),
    ],
)
def test_what_is_wrong(rule: dict[str, Any], licences: tuple[str, ...], wrong: str) -> None:
    assert made(**rule).wrong(licences, "pypi", "pkg:npm/%40acme/app") == wrong


def test_several_licences_are_a_choice_where_the_ecosystem_says_so() -> None:
    assert expression_of(("MIT", "GPL-3.0-only"), "npm") == "MIT OR GPL-3.0-only"
    assert made(allowed=["MIT"]).wrong(("MIT", "GPL-3.0-only"), "npm", "pkg:npm/x") == ""
    assert made(allowed=["MIT"]).wrong(("MIT", "GPL-3.0-only"), "pypi", "pkg:pypi/x") == NOT_ALLOWED


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "would say nothing of licences"),
        ({"allowed": ["(MIT)"]}, "'(MIT)' is no name of a licence"),
        ({"refused": ["MIT\n"]}, "is no name of a licence"),
        ({"refused": ["MIT"], "except": ["left-pad"]}, "is no package URL"),
    ],
)
def test_what_is_no_rule(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(sentence)):
        made(**said)
