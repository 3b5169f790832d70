"""The management API of a registry, as a client sees it; and what a client keeps of its sign-ins."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from orlop.domain.errors import RegistryError


class RequestRefused(RegistryError):
    """The server says no; `status` is its HTTP status and `code` tells programs why."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = code


class Reply(msgspec.Struct, frozen=True):
    """What the server answered: a value read from JSON, the version of what it is about, and where a list goes on."""

    value: Any = None
    version: str = ""
    """An entity tag, as it came; empty where there is none."""
    next: str = ""
    """The path of the next page, with its query; empty at the end."""


class ManagementServer(Protocol):
    """One server, asked as whoever is signed in there."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        match: str = "",
        create: bool = False,
    ) -> Reply:
        """One request to a path below /api/v1. `match`: only if its version is that; `create`: only if it is not there.

        A create that is broken off is sent again, and does nothing twice. Raises RequestRefused; UpstreamError when the
        server cannot be reached or does not speak this API.
        """
        ...

    async def metrics(self) -> str:
        """What `/metrics` says, in Prometheus' text format; nobody needs to be signed in. Raises UpstreamError."""
        ...


class DeviceCode(msgspec.Struct, frozen=True):
    """What a server gives a program that wants to be signed in by a browser (RFC 8628, section 3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int = 600
    """Seconds."""
    interval: int = 5
    """Seconds between two questions whether somebody confirmed it."""

    def __repr__(self) -> str:
        return f"DeviceCode(…, {self.user_code!r})"


class DeviceToken(msgspec.Struct, frozen=True):
    """The token that somebody confirmed, whose it is, and its number there."""

    access_token: str
    account: str
    id: int

    def __repr__(self) -> str:
        return f"DeviceToken(…, {self.account!r}, {self.id})"


class DeviceServer(Protocol):
    """The token server, asked by a program that nobody is signed in with yet.

    Each method raises RequestRefused, whose code is the word of the OAuth error, and UpstreamError as ManagementServer.
    """

    async def begin(self, client: str) -> DeviceCode:
        """Codes for a program that calls itself so. A server that has no browser sign-in refuses with 404."""
        ...

    async def redeem(self, device_code: str) -> DeviceToken:
        """The token, once somebody confirmed."""
        ...


class SavedSignIn(msgspec.Struct, frozen=True):
    """How to come back to a server. Never shown when printed."""

    server: str
    """Its URL."""
    name: str
    secret: str
    token: int = 0
    """The number of the token that was made for it; 0: it was brought along."""

    def __repr__(self) -> str:
        return f"SavedSignIn({self.server!r}, {self.name!r}, …)"


class SavedSignIns(Protocol):
    """Sign-ins that a person's machine keeps, for that person alone."""

    def find(self, server: str) -> SavedSignIn | None:
        """The one for a URL; for the empty URL the one that was saved last. Raises UpstreamError."""
        ...

    def save(self, saved: SavedSignIn) -> None:
        """Keep one, in place of any for the same server. Raises UpstreamError."""

    def forget(self, server: str) -> None:
        """Keep none for a server. Raises UpstreamError."""
