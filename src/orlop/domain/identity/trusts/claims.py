"""Claims: what a trust may ask of them, and whether those of a token are what it asks for."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.access.patterns import pattern
from orlop.domain.identity.trusts.presets import PRESETS, ClaimRule, rule_of

#: What a trust asks of a claim: a value, or any of several. `*` stands for anything without `/` and `:`, `**` for
#: anything at all.
Wanted = str | tuple[str, ...]

SEPARATORS = "/:"
CLAIMS_MAX = 32
VALUES_MAX = 64
VALUE_MAX = 255
#: Wildcards in one value: more of them name nothing that one could still foresee.
WILDCARDS_MAX = 4

#: Checked for every token, and not by a trust's claims.
CHECKED = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:/-]{0,126}[A-Za-z0-9_-])?", re.ASCII)
_SPLIT = re.compile(r"[/:]")


class Mismatch(msgspec.Struct, frozen=True):
    """The first claim that is not what a trust asks for; for the log, never for strangers."""

    claim: str
    wanted: tuple[str, ...]
    found: str


def values_of(wanted: Wanted) -> tuple[str, ...]:
    """All values of which a claim may have any."""
    return (wanted,) if isinstance(wanted, str) else wanted


def check_claims(preset: str, claims: Mapping[str, Wanted]) -> None:
    """Raises ValueError for what cannot be asked for, is not safe to ask for, or leaves the customer open."""
    if len(claims) > CLAIMS_MAX:
        raise ValueError(f"claims: more than {CLAIMS_MAX} of them")
    for name, wanted in claims.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"claims: {name[:60]!r} is not the name of a claim")
        if name in CHECKED:
            raise ValueError(f"claims: {name} is checked of every token; use issuer and audience instead")
        values = values_of(wanted)
        if not values or len(values) > VALUES_MAX:
            raise ValueError(f"claims: {name} needs 1 to {VALUES_MAX} values")
        for value in values:
            _check_value(name, value, rule_of(preset, name))
    if not any(_anchors(name, wanted, rule_of(preset, name)) for name, wanted in claims.items()):
        raise ValueError(f"claims: {PRESETS[preset].needed}")


def _check_value(name: str, value: str, rule: ClaimRule) -> None:
    if not value or len(value) > VALUE_MAX or not value.isprintable() or value != value.strip():
        raise ValueError(f"claims: {name} is 1 to {VALUE_MAX} printable characters, without blanks at an end")
    if "*" not in value:
        return
    if rule.exact:
        raise ValueError(f"claims: {name} is asked for word for word; {value!r} has a wildcard")
    if value.startswith("*"):
        raise ValueError(f"claims: {name} {value!r} begins with a wildcard, so anybody could have such a value")
    if len(re.findall(r"\*+", value)) > WILDCARDS_MAX:
        raise ValueError(f"claims: {name} {value!r} has more than {WILDCARDS_MAX} wildcards")
    if not value.startswith(rule.begins):
        raise ValueError(f"claims: {name} {value!r} has a wildcard, so it has to begin with {rule.begins}")
    before = _SPLIT.split(value.partition("*")[0])
    if len(before) <= rule.fixed or not all(before[: rule.fixed]):
        raise ValueError(
            f"claims: {name} {value!r} is open too early: its first {rule.fixed} components, up to a / or :, have to"
            " be written out, or somebody else's names fit, too"
        )


def _anchors(name: str, wanted: Wanted, rule: ClaimRule) -> bool:
    """Whether every value that a claim may have belongs to one customer. Each was checked before."""
    if not rule.anchor:
        return False
    if not rule.begins:
        return True
    for value in values_of(wanted):
        parts = _SPLIT.split(value)[: rule.fixed]
        if not value.startswith(rule.begins) or len(parts) < rule.fixed or not all(parts):
            return False
    return True


def mismatch(preset: str, claims: Mapping[str, Wanted], token: Mapping[str, Any]) -> Mismatch | None:
    """The first claim of a token that is not what a trust asks for; None when all are."""
    for name, wanted in claims.items():
        found = texts(lookup(token, rule_of(preset, name).path or name))
        values = values_of(wanted)
        if not any(pattern(value, separator=SEPARATORS).matches(text) for value in values for text in found):
            return Mismatch(name, values, ", ".join(found)[:VALUE_MAX] if found else "")
    if preset == "google" and "email" in claims and token.get("email_verified") is not True:
        # "email_verified: True if the user's e-mail address has been verified; otherwise false" (OpenID Connect).
        return Mismatch("email_verified", ("true",), ", ".join(texts(token.get("email_verified"))))
    return None


def lookup(token: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the names on the way to it with `/` between them (`kubernetes.io/namespace`)."""
    if name in token:
        return token[name]
    for place, character in enumerate(name):
        if character == "/" and isinstance(inner := token.get(name[:place]), dict):
            return lookup(inner, name[place + 1 :])
    return None


def texts(value: Any) -> tuple[str, ...]:
    """A claim as trusts write it: text as it is, truth values and whole numbers as JSON has them, of a list each."""
    if isinstance(value, list):
        return tuple(text for each in value[:VALUES_MAX] if not isinstance(each, list) for text in texts(each))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, int):
        return (str(value),) if abs(value) < 1 << 64 else ()
    if isinstance(value, str) and len(value) <= 1024:
        return (value,)
    return ()


def subject_of(token: Mapping[str, Any]) -> str:
    """What to call whoever a token is about, in logs and the audit: its subject on one line."""
    found = texts(token.get("sub"))
    return "".join(c if c.isprintable() else " " for c in found[0][:VALUE_MAX]) if found else "without a subject"
