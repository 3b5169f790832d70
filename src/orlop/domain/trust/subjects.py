"""Subjects of certificates, as a trust policy of Notation writes them: `C=US, ST=WA, O=acme`.

Source: notaryproject/specifications, trust-store-trust-policy.md, "Trusted Identities Constraints" (RFC 4514).
"""

import re
from collections.abc import Mapping

_PART = re.compile(r"\s*([A-Za-z]{1,10})\s*=\s*((?:\\.|[^\\,+=\"])*?)\s*(?:,|$)", re.ASCII)
_ESCAPED = re.compile(r"\\(.)")


def subject_parts(text: str) -> Mapping[str, str]:
    """What a subject says, by the name of an attribute in capital letters; nothing for what is none, or says a thing
    twice."""
    text = text.removeprefix("x509.subject:")
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or part.end() == at or not part[2] or part[1].upper() in found:
            return {}
        found[part[1].upper()] = _ESCAPED.sub(r"\1", part[2])
        at = part.end()
    return found


def is_subject(wanted: str, said: Mapping[str, str]) -> bool:
    """Whether all that is wanted is so in a certificate; `*` is any."""
    if wanted == "*":
        return True
    parts = subject_parts(wanted)
    return bool(parts) and all(said.get(name) == value for name, value in parts.items())
