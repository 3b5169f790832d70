"""Text without the secrets in it: those that are known, and what looks like one."""

import re
from collections.abc import Iterable

HIDDEN = "***"

#: A known secret that is shorter would hide half of every text.
_SHORTEST = 4
#: Passwords in URLs (RFC 3986, section 3.2.1); headers and cookies; JWTs (RFC 7519); tokens of this registry, see
#: domain.identity.secrets; keys in PEM (RFC 7468); values that are named like secrets, also in queries and JSON.
_LOOKS = (
    re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s@/\"']+(?=@)", re.IGNORECASE),
    re.compile(r"(?P<before>\b(?:Bearer|Basic|Token)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"(?P<before>\b(?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+", re.IGNORECASE),
    re.compile(r"(?P<before>)\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    re.compile(r"(?P<before>)\borlop_(?:pat|rbt|rfr)_[0-9A-Za-z_]+"),
    re.compile(r"(?P<before>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(
        r"(?P<before>\b[\w.-]*(?:password|passwd|secret(?:_access)?(?:_key)?|token|api[_-]?key|signature|credential)"
        r"[\"']?\s*[=:]\s*[\"']?)(?!\s|\*\*\*|\(set\)|null|true|false|\"|')[^\s\"'&,;}]+",
        re.IGNORECASE,
    ),
)


class Veil:
    """Hides what is known, and then what looks like a secret; text without either stays as it is."""

    def __init__(self, known: Iterable[str]) -> None:
        secrets = {each for each in known if len(each) >= _SHORTEST}
        longest_first = sorted(secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def over(self, text: str) -> str:
        """The text, with three asterisks for each secret."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for look in _LOOKS:
            text = look.sub(lambda found: f"{found['before']}{HIDDEN}", text)
        return text
