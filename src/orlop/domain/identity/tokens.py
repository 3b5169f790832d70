"""What a token that Orlop signed says, and whether it holds now. How it is signed is not here.

The claims are those of the token protocol (distribution, "Token Authentication Implementation"), and five of our own:
`ver`, `acc`, `cred`, `epoch` and `label`.
"""

import msgspec

from orlop.domain.access import ANONYMOUS, Action, Limit, Place, PlaceKind, Subject, SubjectKind
from orlop.domain.access.scopes import LISTING, Scope, limit_of
from orlop.domain.access.subjects import ROBOT_PREFIX
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unauthorized

#: A longer token is not read: the longest that is made here, for as many scopes as are looked at, is shorter.
TOKEN_MAX = 32 * 1024

#: How far clocks may be apart, in seconds: for the beginning of a token alone, never for its end.
LEEWAY = 60


#: The verbs of a token for the list of repositories.
_CATALOG = Limit(frozenset({Action.LIST}), Place(PlaceKind.REGISTRY))


class TokenInvalid(Unauthorized):
    """The token is not one of ours, or holds no more."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="invalid_token")


class ResourceAccess(msgspec.Struct, frozen=True):
    """One scope of a token, with the verbs that were granted of those asked for."""

    type: str
    name: str
    actions: tuple[str, ...]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds since 1970, UTC (RFC 7519, section 2, "NumericDate")."""

    iss: str
    sub: str
    aud: str
    exp: int
    nbf: int
    iat: int
    jti: str
    access: tuple[ResourceAccess, ...]
    ver: int
    """The version of who may do what at which it was made: it is not about a repository deleted since."""
    acc: int
    """The row of the account; 0 for nobody. A name alone could come to be another's."""
    cred: int
    """The row of the secret that it was fetched with; 0 for a password."""
    epoch: int = 0
    """The account's epoch when the password was shown that it was fetched with; 0 where none was."""
    label: str
    """What it was fetched with, for people."""

    @property
    def subject(self) -> Subject:
        """Who comes with it, and what for."""
        limits = tuple(_limit(allowance) for allowance in self.access)
        if not self.acc:
            return msgspec.structs.replace(ANONYMOUS, credential=self.label, limits=limits, minted=self.ver)
        kind = SubjectKind.ROBOT if self.sub.startswith(ROBOT_PREFIX) else SubjectKind.USER
        return Subject(self.sub, kind, self.acc, self.label, self.cred, self.epoch, limits, self.ver)


class Terms(msgspec.Struct, frozen=True):
    """Whose tokens hold here (`iss`), and for what (`aud`)."""

    issuer: str
    audience: str


_decoder = msgspec.json.Decoder(Claims)


def read_claims(payload: bytes, terms: Terms, now: int) -> Claims:
    """The claims of a token whose signature was found good. Raises TokenInvalid unless they hold at `now`, which is in
    microseconds since 1970."""
    try:
        claims = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise TokenInvalid("the token does not say what a token of this registry says") from cause
    seconds = now // SECOND
    if claims.iss != terms.issuer:
        raise TokenInvalid("the token was made by another registry")
    if claims.aud != terms.audience:
        raise TokenInvalid("the token is for another service")
    if claims.exp <= seconds:
        raise TokenInvalid("the token has expired; fetch another")
    if claims.nbf > seconds + LEEWAY or claims.iat > seconds + LEEWAY:
        raise TokenInvalid("the token does not hold yet; look whether the clocks agree")
    return claims


def allowance(scope: Scope, verbs: tuple[str, ...]) -> ResourceAccess:
    """What is granted of a scope."""
    return ResourceAccess(scope.type, scope.name, verbs)


def _limit(granted: ResourceAccess) -> Limit:
    if granted.type == "repository":
        return limit_of(granted.name, granted.actions)
    if (granted.type, granted.name) == ("registry", "catalog") and {"*", LISTING} & {*granted.actions}:
        return _CATALOG
    return Limit(frozenset(), Place(PlaceKind.REPOSITORIES, granted.name))
