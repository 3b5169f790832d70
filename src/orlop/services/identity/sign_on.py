"""Signing in through OpenID providers: the beginning and the end of it in a browser, and their word that it is over."""

import hmac

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound, RequestInvalid, Unauthorized, Unavailable
from orlop.domain.events import Origin
from orlop.domain.identity.claims import Person, person_of
from orlop.domain.identity.providers import PROVIDER, OidcProvider, authority_of, check_provider_name, decode_provider
from orlop.domain.identity.secrets import Draw
from orlop.ports.browser import SignOn, SignOns, Step, Steps
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.identity import Account, AccountChange, Accounts, Document, Documents, ExternalAccounts, Sessions
from orlop.ports.identity_words import gone_from
from orlop.ports.sign_on import ExternalIdentity, OpenId, SignedOn, SignOnRequest
from orlop.services.identity.provisioning import Provisioning
from orlop.services.identity.sessions import hashed, new_secret

#: How long somebody may take at the provider, in microseconds, and how many sign-ins an address has under way.
_UNDER_WAY = 600 * SECOND
_AT_MOST = 1000

_BEGUN, _NOTICED = "oidc", "oidc-logout"
_QUERY_MAX = 4096


class Link(msgspec.Struct, frozen=True):
    """A provider as the login page shows it."""

    name: str
    text: str


class Returned(msgspec.Struct, frozen=True):
    """What a browser brings back from a provider (OpenID Connect Core 1.0, sections 3.1.2.5 and 3.1.2.6)."""

    state: str = ""
    code: str = ""
    iss: str | None = None
    error: str = ""


class Finished(msgspec.Struct, frozen=True):
    """Somebody signed in."""

    account: Account
    session: str
    """What the provider calls their session there."""
    next: str
    """Where they wanted to go."""


class _Begun(msgspec.Struct, frozen=True):
    provider: str
    request: SignOnRequest
    visit: str
    next: str


class ProviderDirectory:
    """The OpenID providers among the documents."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def all(self) -> tuple[tuple[str, OidcProvider], ...]:
        """Every one that can be used, by name."""
        read = [(each.name, _oidc(each)) for each in await self._documents.all(PROVIDER)]
        return tuple((name, provider) for name, provider in read if provider is not None)

    async def get(self, name: str) -> OidcProvider:
        """Raises NotFound."""
        try:
            check_provider_name(name)
        except ValueError:
            raise NotFound("there is no such sign-on provider") from None
        document = await self._documents.get(PROVIDER, name)
        provider = _oidc(document) if document else None
        if provider is None:
            raise NotFound("there is no such sign-on provider")
        return provider


class BrowserSignOn:
    """What begins in one browser ends in the same, once, and through the provider that it began with."""

    def __init__(
        self,
        directory: ProviderDirectory,
        openid: OpenId,
        provisioning: Provisioning,
        accounts: Accounts,
        external: ExternalAccounts,
        sessions: Sessions,
        steps: Steps,
        sign_ons: SignOns,
        clock: Clock,
        draw: Draw,
    ) -> None:
        self._directory = directory
        self._openid = openid
        self._provisioning = provisioning
        self._accounts = accounts
        self._external = external
        self._sessions = sessions
        self._steps = steps
        self._sign_ons = sign_ons
        self._clock = clock
        self._draw = draw

    async def links(self) -> tuple[Link, ...]:
        """What the login page offers."""
        return tuple(
            Link(name, provider.text or f"Sign in with {name}") for name, provider in await self._directory.all()
        )

    async def begin(self, name: str, *, base: str, visit: str, next_: str, caller: Caller) -> str:
        """Where to send a browser that holds the secret `visit`. Raises NotFound, Unavailable, TooManyRequests."""
        provider = await self._directory.get(name)
        redirect = f"{base}/login/callback/{name}"
        request = SignOnRequest(new_secret(self._draw), new_secret(self._draw), new_secret(self._draw), redirect)
        address = await self._openid.address(provider, request)
        now = self._clock.now()
        step = Step(
            id=hashed(request.state),
            kind=_BEGUN,
            body=msgspec.json.encode(_Begun(name, request, hashed(visit), next_)),
            address=caller.address,
            expires_at=now + _UNDER_WAY,
        )
        await self._steps.begin(step, now=now, at_most=_AT_MOST)
        return address

    async def finish(self, name: str, returned: Returned, *, visit: str, caller: Caller) -> Finished:
        """The person. Raises Unauthorized, Denied for somebody who may not sign in, NotFound, Unavailable."""
        begun = await self._begun(name, returned, visit)
        provider = await self._directory.get(name)
        if returned.error:
            raise Unauthorized(f"the provider did not sign you in: {_word(returned.error)}; try again")
        if not 0 < len(returned.code) <= _QUERY_MAX:
            raise RequestInvalid("the provider sent you back without a code; sign in again")
        signed_on = await self._openid.redeem(provider, begun.request, code=returned.code, issuer=returned.iss)
        person = person_of(provider, signed_on.claims)
        account = await self._account(name, identity_of(name, provider, person), caller)
        await self._remember(name, person, account, signed_on)
        return Finished(account, signed_on.session, begun.next)

    async def notice(self, name: str, token: str, caller: Caller) -> int:
        """End the sessions that a logout token of a provider is about; how many. Raises Unauthorized, NotFound."""
        provider = await self._directory.get(name)
        said = await self._openid.notice(provider, token)
        now = self._clock.now()
        try:
            mark = Step(id=hashed(f"logout {name} {said.id}"), kind=_NOTICED, expires_at=now + HOUR)
            await self._steps.begin(mark, now=now)
        except Conflict:  # it came again, and sessions that began since are none of its business
            return 0
        done = By(f"provider {name}", now, Origin("logout token", caller.address, caller.request))
        if said.session:
            return await self._sessions.end(provider=name, provider_session=said.session, by=done)
        account = await self._external.external(name, authority_of(provider), said.external)
        return await self._sessions.end(account=account.name, provider=name, by=done) if account else 0

    async def _begun(self, name: str, returned: Returned, visit: str) -> _Begun:
        """What was begun in this browser with this provider; it ends here, whatever comes of it."""
        again = Unauthorized("this sign-in was not begun in this browser, took too long, or is over; sign in again")
        if not 0 < len(returned.state) <= _QUERY_MAX or not visit:
            raise again
        now = self._clock.now()
        found = await self._steps.get(hashed(returned.state), _BEGUN, now)
        begun = msgspec.json.decode(found.body, type=_Begun) if found else None
        if begun is None or begun.provider != name or not hmac.compare_digest(begun.visit, hashed(visit)):
            raise again
        if await self._steps.take(hashed(returned.state), _BEGUN, now) is None:
            raise again
        return begun

    async def _account(self, name: str, identity: ExternalIdentity, caller: Caller) -> Account:
        done = By(f"provider {name}", self._clock.now(), Origin(f"sign-in by {name}", caller.address, caller.request))
        known = await self._external.external(name, identity.authority, identity.external)
        if known is not None and known.disabled == gone_from(name):  # the provider knows them again
            await self._accounts.change(known.name, AccountChange(disabled=""), done)
        return await self._provisioning.account_of(identity, done)

    async def _remember(self, name: str, person: Person, account: Account, signed_on: SignedOn) -> None:
        if signed_on.refresh_token:
            await self._sign_ons.put(
                SignOn(
                    provider=name,
                    external=person.external,
                    account=account.name,
                    refresh_token=signed_on.refresh_token,
                    checked_at=self._clock.now(),
                )
            )


def identity_of(name: str, provider: OidcProvider, person: Person) -> ExternalIdentity:
    """A person of a provider as everybody else takes them."""
    return ExternalIdentity(
        source=name,
        authority=authority_of(provider),
        external=person.external,
        name=person.name,
        display=person.display,
        email=person.email,
        groups=person.groups,
    )


def _oidc(document: Document) -> OidcProvider | None:
    """None for a provider of another protocol. Raises Unavailable for one that a newer version wrote."""
    try:
        provider = decode_provider(document.body)
    except msgspec.MsgspecError as cause:
        raise Unavailable(f"the settings of the sign-on provider {document.name} cannot be read: {cause}") from cause
    return provider if isinstance(provider, OidcProvider) else None


def _word(text: str) -> str:
    return "".join(c for c in text[:64] if c.isascii() and (c.isalnum() or c == "_")) or "unknown"
