"""What personal access tokens and secrets of robots have in common: what may be asked of a new one."""

import msgspec

from orlop.domain.access import Limit
from orlop.domain.errors import RequestInvalid
from orlop.domain.identity.secrets import parse_secret
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Secret

LABEL_MAX = 128
LIMITS_MAX = 32

#: The end of the year 9999, in microseconds since 1970.
_LAST = 253_402_300_799_999_999

#: No account has as many secrets.
ALL = PageRequest(1_000)


class Issued(msgspec.Struct, frozen=True):
    """A new secret, which is told once. Never shown when printed."""

    secret: Secret
    text: str

    def __repr__(self) -> str:
        return f"Issued({self.secret.lookup!r}, …)"


def kept_secret(
    account: str,
    text: str,
    label: str,
    limits: tuple[Limit, ...] | None,
    expires_at: int,
    now: int,
) -> Secret:
    """What is kept of it. Raises RequestInvalid for a label, limits or an end that make no sense."""
    if len(label) > LABEL_MAX or not label.isprintable():
        raise RequestInvalid(f"a name is at most {LABEL_MAX} printable characters on one line", {"field": "name"})
    if limits is not None and not 0 < len(limits) <= LIMITS_MAX:
        raise RequestInvalid(f"there are 1 to {LIMITS_MAX} limits, or none at all", {"field": "limits"})
    if expires_at and expires_at <= now:
        raise RequestInvalid("it would have expired already", {"field": "expires_at"})
    if expires_at > _LAST:
        raise RequestInvalid("it would expire after the year 9999; leave the end out", {"field": "expires_at"})
    parsed = parse_secret(text)
    assert parsed is not None
    return Secret(
        account=account,
        kind=parsed.kind,
        name=label,
        lookup=parsed.lookup,
        hash=parsed.hash,
        limits=limits,
        expires_at=expires_at,
    )
