"""Tokens that clients fetch and show with each request: for what was asked, as far as the subject may do it now."""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from orlop.domain.access import Action, Caller, SubjectKind
from orlop.domain.access.actions import WRITES
from orlop.domain.access.scopes import LISTING, Scope, narrowed, wanted
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.secrets import Draw
from orlop.domain.identity.tokens import Claims, ResourceAccess
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import by
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access
from orlop.services.identity.secrets import SecretSignIn
from orlop.services.identity.signing import Signing

#: Random bytes in the name of a token.
_JTI = 12

_CLIENT_MAX = 64

#: The repository that a push to a name goes to; None: no push to it goes anywhere.
Written = Callable[[RepositoryName], Awaitable[RepositoryName | None]]


async def itself(repository: RepositoryName) -> RepositoryName:
    """Where no name stands for another."""
    return repository


class Minted(msgspec.Struct, frozen=True):
    """A token with what it is for, how long it holds in seconds, and when it was made, in seconds since 1970."""

    token: str
    access: tuple[ResourceAccess, ...]
    expires_in: int
    issued_at: int


class Tokens:
    """`lifetime`: of a token, in microseconds; `written`: where pushes go."""

    def __init__(
        self,
        access: Access,
        facts: AccessFacts,
        signing: Signing,
        secrets: SecretSignIn,
        clock: Clock,
        draw: Draw,
        written: Written,
        *,
        lifetime: int,
    ) -> None:
        self._access = access
        self._facts = facts
        self._written = written
        self._signing = signing
        self._secrets = secrets
        self._clock = clock
        self._draw = draw
        self._lifetime = lifetime

    async def mint(self, caller: Caller, scopes: Sequence[Scope], *, until: int = 0) -> Minted:
        """A token for what the caller may do of these; for nothing, if that is so. It ends before `until`.

        Raises Unauthorized for an account that may not be used any more, and for who comes with such a token already:
        it would live for ever.
        """
        subject = caller.subject
        if subject.limits is not None:
            raise Unauthorized("a token cannot fetch another; sign in with a name and a password, or with a secret")
        # Read before anything is decided: what changes meanwhile makes the token too old, never too good.
        version = await self._facts.version()
        await self._access.rights(subject)
        granted = [found for scope in scopes if (found := await self._granted(caller, scope)) is not None]
        now = self._clock.now()
        issued_at = now // SECOND
        ends = now + self._lifetime if not until else min(now + self._lifetime, until)
        known = subject.kind is not SubjectKind.ANONYMOUS
        claims = Claims(
            iss=self._signing.terms.issuer,
            sub=subject.name if known else "",
            aud=self._signing.terms.audience,
            exp=ends // SECOND,
            nbf=issued_at,
            iat=issued_at,
            jti=urlsafe_b64encode(self._draw(_JTI)).decode(),
            access=tuple(granted),
            ver=version,
            acc=subject.id,
            cred=subject.credential_id,
            epoch=subject.epoch,
            label=subject.credential,
        )
        token = await self._signing.sign(claims)
        return Minted(token, claims.access, max(claims.exp - issued_at, 0), issued_at)

    async def keep(self, caller: Caller, secret: str, client: str) -> str:
        """What a client keeps after a login instead of the password, for fetching tokens later; empty: nothing.

        `secret` is what the caller came with. If that is a token or a robot's secret it is kept itself: so it has its
        own limits and its own end, and ends with itself. Whom somebody else vouches for keeps nothing.
        """
        subject = caller.subject
        if subject.credential_id:
            return secret
        if subject.kind is not SubjectKind.USER:
            return ""
        name = "".join(character for character in client if character.isprintable())[:_CLIENT_MAX]
        return await self._secrets.keep(subject, name, by(caller, self._clock.now()))

    async def _granted(self, caller: Caller, scope: Scope) -> ResourceAccess | None:
        """What of a scope may be done now; None when nothing may. Others may believe it, so it says no more."""
        if (scope.type, scope.name) == ("registry", "catalog"):
            if "*" not in scope.verbs:
                return None
            # The list shows only what its reader may see, so there is nothing to refuse.
            everything = (await self._access.decide(caller, Action.LIST)).allowed
            return ResourceAccess(scope.type, scope.name, ("*" if everything else LISTING,))
        if scope.repository is None:
            return None
        read, written = scope.repository, await self._written(scope.repository)
        may = {
            action
            for action in wanted(scope.verbs)
            if (where := written if action in WRITES else read) is not None
            and (await self._access.decide(caller, action, repository=where)).allowed
        }
        verbs = narrowed(scope.verbs, may)
        return ResourceAccess(scope.type, scope.name, verbs) if verbs else None
