"""Others who say who somebody is: directories, identity providers, and the issuers of workload tokens."""

from typing import Any, Protocol

import msgspec

from orlop.domain.identity.providers import OidcProvider


class ExternalIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as a sign-on provider knows them."""

    source: str
    """The provider's name."""
    authority: str
    """Its identity: see domain.identity.providers.authority_of."""
    external: str
    """What the provider calls them and will never call another: an entry's UUID, an issuer's `sub`."""
    name: str
    """What they are to be called here, if nobody is called that yet."""
    display: str = ""
    email: str = ""
    groups: tuple[str, ...] | None = None
    """Names of the groups here that they belong to; None: the provider did not say."""


class PasswordSource(Protocol):
    """Checks passwords of people whom somebody else knows."""

    async def verify(self, name: str, password: str) -> ExternalIdentity | None:
        """The person with this name and password; None when there is no such person or the password is wrong.

        Never true for an empty password. Raises Unavailable when no server can be asked.
        """
        ...


class DirectoryState(msgspec.Struct, frozen=True):
    """Everybody that a directory knows at one moment, by what it calls them for good, and who is in which group."""

    people: frozenset[str]
    groups: dict[str, frozenset[str]]
    """The name of a group here → the people in it, through groups in groups, too."""


class Directory(Protocol):
    """A directory of people: checks passwords, and tells who is there."""

    async def verify(self, name: str, password: str) -> ExternalIdentity | None:
        """See PasswordSource."""
        ...

    async def state(self) -> DirectoryState:
        """All people and groups, whole or not at all. Raises Unavailable."""
        ...

    def close(self) -> None:
        """Let go of it; questions under way are answered yet."""


class Vouched(msgspec.Struct, frozen=True):
    """A robot that a foreign token stands for."""

    account: str
    """The robot's name."""
    credential: str
    """What it was, for people and the audit log: the trust, the issuer and the subject; never the token."""
    expires_at: int
    """Until when it may be used, in microseconds since 1970."""


class TokenSource(Protocol):
    """Turns tokens of others into robots of ours."""

    async def verify(self, token: str) -> Vouched | None:
        """Whom a token stands for; None when it is not of a kind that this source knows.

        Raises Unauthorized, which says what is wrong with it, and Unavailable when its issuer cannot be asked.
        """
        ...


class SignOnRequest(msgspec.Struct, frozen=True):
    """What binds the beginning of a sign-in in a browser to its end. All but `redirect` is random, and used once."""

    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636): 43 to 128 unreserved characters."""
    redirect: str
    """Where the provider sends the browser back to."""


class SignedOn(msgspec.Struct, frozen=True):
    """What a provider says of somebody, all of it verified."""

    claims: dict[str, Any]
    session: str = ""
    """What the provider calls their session there (`sid`); empty when it does not say."""
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"SignedOn({self.claims.get('sub')!r})"


class LogoutNotice(msgspec.Struct, frozen=True):
    """A provider's word that somebody signed out there: one session of theirs, or without `session` all of them."""

    id: str
    """Unique: a notice that comes again has the same."""
    external: str = ""
    session: str = ""


class OpenId(Protocol):
    """Talks to OpenID providers as their client. Each method raises Unavailable when the provider cannot be asked."""

    async def address(self, provider: OidcProvider, request: SignOnRequest) -> str:
        """Where to send the browser."""
        ...

    async def redeem(
        self, provider: OidcProvider, request: SignOnRequest, *, code: str, issuer: str | None
    ) -> SignedOn:
        """The person who signed in, for the code that the browser brought; `issuer`: the `iss` beside it (RFC 9207).

        Raises Unauthorized, which says what is wrong.
        """
        ...

    async def renew(self, provider: OidcProvider, refresh_token: str, external: str) -> SignedOn:
        """Ask whether somebody is still known there; a token without a successor stays what it was.

        Without claims when the provider says nothing new. Raises Denied when it does not know them any more.
        """
        ...

    async def notice(self, provider: OidcProvider, token: str) -> LogoutNotice:
        """What a back-channel logout token says. Raises Unauthorized, which says what is wrong with it."""
        ...
