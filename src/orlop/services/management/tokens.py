"""Personal access tokens: made, seen and revoked by their owner, and by nobody else."""

from orlop.domain.access import Caller, Limit, SubjectKind
from orlop.domain.errors import Denied, NotFound
from orlop.domain.identity.secrets import Draw, new_secret
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import By, by
from orlop.ports.identity import Secret, Secrets
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen
from orlop.services.management.secrets import Issued, kept_secret

#: How many an owner may have.
TOKENS_MAX = 100

TOKEN = "token"  # noqa: S105 - the name of a kind


class PersonalTokens:
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
            lambda secret: secret.kind == TOKEN,
        )

    async def issue(self, caller: Caller, label: str, limits: tuple[Limit, ...] | None, expires_at: int) -> Issued:
        """A new one. With a token in hand it can live no longer than that does. Raises Denied, Conflict."""
        await self._check(caller, Operation.TOKEN_ISSUE)
        now = self._gate.now()
        if caller.subject.credential_id:
            parent = await token_of(self._secrets, caller.subject.name, caller.subject.credential_id)
            if parent.expires_at and not 0 < expires_at <= parent.expires_at:
                raise Denied(
                    "a token that is made with a token cannot outlive it; name an earlier end, or sign in with your "
                    "password"
                )
        text = new_secret(TOKEN, self._draw)
        secret = kept_secret(caller.subject.name, text, label, limits, expires_at, now)
        return Issued(await self._secrets.add(secret, by(caller, now), at_most=TOKENS_MAX), text)

    async def revoke(self, caller: Caller, id: int) -> None:  # noqa: A002
        """One of them. Raises NotFound."""
        await self._check(caller, Operation.TOKEN_REVOKE)
        await revoke_token(self._secrets, caller.subject.name, id, by(caller, self._gate.now()))

    async def _check(self, caller: Caller, operation: Operation) -> None:
        await self._gate.check(caller, operation, own=True)
        if caller.subject.kind is not SubjectKind.USER:
            raise Denied("only users have tokens; a robot's secrets are issued by whoever administers it")


async def token_of(secrets: Secrets, account: str, id: int) -> Secret:  # noqa: A002
    """A token of somebody. Raises NotFound, for secrets of other kinds, too: what `docker login` keeps is no token."""
    page = await secrets.of(account, PageRequest(1, str(id - 1)))
    if not page.items or page.items[0].id != id or page.items[0].kind != TOKEN:
        raise NotFound(f"you have no token {id}")
    return page.items[0]


async def revoke_token(secrets: Secrets, account: str, id: int, by: By) -> None:  # noqa: A002
    """Revoke a token of somebody. Raises NotFound as `token_of`."""
    await token_of(secrets, account, id)
    await secrets.revoke(account, id, by)
