"""Personal access tokens: made, seen and revoked by their owner, and by nobody else."""

from orlop.domain.access import Caller, Limit, SubjectKind
from orlop.domain.errors import Denied, NotFound
from orlop.domain.pages import Page, PageRequest
from orlop.domain.secrets import Draw, new_secret
from orlop.ports.catalog import by
from orlop.ports.identity import Secret, Secrets
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen
from orlop.services.management.secrets import Issued, kept_secret

#: How many an owner may have.
TOKENS_MAX = 100

_KIND = "token"


class Tokens:
    """Those of the caller. A token that is limited cannot be used for any of this."""

    def __init__(self, gate: Gate, secrets: Secrets, draw: Draw) -> None:
        self._gate = gate
        self._secrets = secrets
        self._draw = draw

    async def page(self, caller: Caller, page: PageRequest) -> Page[Secret]:
        """By number."""
        await self._check(caller, Operation.TOKEN_READ)
        return await seen(
            lambda part: self._secrets.of(caller.subject.name, part),
            page,
            lambda secret: str(secret.id),
            lambda secret: secret.kind == _KIND,
        )

    async def issue(self, caller: Caller, label: str, limits: tuple[Limit, ...] | None, expires_at: int) -> Issued:
        """A new one. With a token in hand it can live no longer than that does. Raises Denied, Conflict."""
        await self._check(caller, Operation.TOKEN_ISSUE)
        now = self._gate.now()
        if caller.subject.credential_id:
            parent = await self._one(caller, caller.subject.credential_id)
            if parent.expires_at and not 0 < expires_at <= parent.expires_at:
                raise Denied(
                    "a token that is made with a token cannot outlive it; name an earlier end, or sign in with your "
                    "password"
                )
        text = new_secret(_KIND, self._draw)
        secret = kept_secret(caller.subject.name, text, label, limits, expires_at, now)
        return Issued(await self._secrets.add(secret, by(caller, now), at_most=TOKENS_MAX), text)

    async def revoke(self, caller: Caller, id: int) -> None:  # noqa: A002
        """One of them. Raises NotFound."""
        await self._check(caller, Operation.TOKEN_REVOKE)
        if (await self._one(caller, id)).kind != _KIND:
            raise NotFound(f"you have no token {id}")
        await self._secrets.revoke(caller.subject.name, id, by(caller, self._gate.now()))

    async def _check(self, caller: Caller, operation: Operation) -> None:
        await self._gate.check(caller, operation, own=True)
        if caller.subject.kind is not SubjectKind.USER:
            raise Denied("only users have tokens; a robot's secrets are issued by whoever administers it")

    async def _one(self, caller: Caller, id: int) -> Secret:  # noqa: A002
        page = await self._secrets.of(caller.subject.name, PageRequest(1, str(id - 1)))
        if not page.items or page.items[0].id != id:
            raise NotFound(f"you have no token {id}")
        return page.items[0]
