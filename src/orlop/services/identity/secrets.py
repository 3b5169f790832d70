"""Proving who one is with something that Orlop made: a personal access token, a robot's secret, what a login keeps."""

from orlop.domain.access import Subject
from orlop.domain.access.spellings import is_called
from orlop.domain.errors import Conflict, Unauthorized
from orlop.domain.identity.secrets import Draw, new_secret, parse_secret
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.identity import LOCAL, Account, AccountFacts, Secret, Secrets
from orlop.ports.identity_words import must_change, secret_words
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.failures import OnFailure, ProofKind, failure

#: The kind of secret that `docker login` keeps.
REFRESH = "refresh"

#: Logins of one account that are kept; with another one, the one that was not used for longest ends.
_LOGINS = 50
_PAGE = 500


class SecretSignIn:
    """`refresh_lifetime`: how long after its last use what a login keeps may be used, in microseconds."""

    def __init__(
        self, secrets: Secrets, clock: Clock, draw: Draw, on_failure: OnFailure, *, refresh_lifetime: int
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._draw = draw
        self._on_failure = on_failure
        self._refresh_lifetime = refresh_lifetime

    async def subject(
        self, text: str, *, name: str = "", refreshing: bool = False, address: str, request: str
    ) -> Subject:
        """The owner of this secret; with a `name` it must be its owner's.

        What `docker login` keeps is good for fetching tokens alone (`refreshing`). Raises Unauthorized.
        """
        try:
            secret, account = await self._found(text)
            if name and not is_called(account.name, name, here=account.source == LOCAL):
                raise Unauthorized("the token belongs to another account; sign in with its owner's name")
            if secret.kind == REFRESH and not refreshing:
                raise Unauthorized("what a login keeps is for fetching tokens alone; sign in anew")
            subject = Subject(account.name, account.kind, account.id, secret_words(secret), secret.id)
            self._refuse_unfit(secret, account, subject)
        except Unauthorized as refusal:
            self._on_failure(failure(name, address, request, refusal.message, ProofKind.SECRET))
            raise
        return subject

    async def keep(self, subject: Subject, name: str, by: By) -> str:
        """Make what a client keeps instead of the password that the subject showed. It ends when the password is
        changed. Raises Unauthorized when it was meanwhile."""
        account = subject.name
        text = new_secret(REFRESH, self._draw)
        parsed = parse_secret(text)
        assert parsed is not None
        secret = Secret(account=account, kind=REFRESH, name=name, lookup=parsed.lookup, hash=parsed.hash)
        try:
            await self._secrets.add(secret, by, at_most=_LOGINS, epoch=subject.epoch)
        except Conflict:
            await self._end_stalest(account, by)
            await self._secrets.add(secret, by, at_most=_LOGINS, epoch=subject.epoch)
        return text

    async def _found(self, text: str) -> tuple[Secret, Account]:
        parsed = parse_secret(text)
        if parsed is None:
            raise Unauthorized("the token is not whole: its checksum does not fit; copy it again")
        found = await self._secrets.find(parsed.lookup)
        if found is None or found[0].kind != parsed.kind or not parsed.is_hashed_as(found[0].hash):
            raise Unauthorized("the token is unknown, or was revoked")
        return found

    def _refuse_unfit(self, secret: Secret, account: Account, subject: Subject) -> None:
        now = self._clock.now()
        refuse_unfit(AccountFacts(account, secret, (), (), 0), subject, now)
        if secret.kind == REFRESH and max(secret.created_at, secret.used_at) + self._refresh_lifetime <= now:
            raise Unauthorized("the login was not used for too long; sign in anew")

    async def _end_stalest(self, account: str, by: By) -> None:
        """End the login that was not used for longest."""
        logins: list[Secret] = []
        page, more = PageRequest(_PAGE), True
        while more:
            found = await self._secrets.of(account, page)
            logins += [secret for secret in found.items if secret.kind == REFRESH]
            more = found.more and bool(found.items)
            page = PageRequest(_PAGE, str(found.items[-1].id)) if found.items else page
        if logins:
            stalest = min(logins, key=lambda secret: max(secret.created_at, secret.used_at))
            await self._secrets.revoke(account, stalest.id, by)


def refuse_before_change(account: Account) -> None:
    """Raises Unauthorized for an account that has to choose another password before it does anything else."""
    if account.must_change:
        raise must_change(account)
