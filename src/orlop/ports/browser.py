"""What lies between beginning and end of a sign-in in a browser, and what is kept of those through providers."""

from typing import Protocol

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was begun and will be ended once. `id` is a hash of what the browser holds."""

    id: str
    kind: str
    """Which way it goes on: what was begun for one is of no use for another."""
    body: bytes = b""
    """What its kind wants to remember."""
    address: str = ""
    """The address that began it, so that nobody can begin without end."""
    expires_at: int


class Steps(Protocol):
    """Steps under way, shared by all workers. Nothing here is an event, and a lost step is begun again."""

    async def begin(self, step: Step, *, now: int, at_most: int = 0) -> None:
        """Raises Conflict when there is one of this id, TooManyRequests when its address has `at_most` under way
        (0: however many)."""

    async def get(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        """One that has not expired."""
        ...

    async def take(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        """The same, and end it: of any number who try, one gets it."""
        ...

    async def forget(self, expired_before: int) -> None:
        """Remove those that are over."""


class SignOn(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody signed in through a provider which lets us ask whether they are still known there."""

    provider: str
    external: str
    account: str
    """The account's name."""
    refresh_token: str
    """What to ask with. A secret that has to be kept as it is."""
    checked_at: int
    """When the provider last said that it knows them."""

    def __repr__(self) -> str:
        return f"SignOn({self.provider!r}, {self.account!r})"


class SignOns(Protocol):
    """One for each person and provider: the newest. Gone with its account."""

    async def put(self, sign_on: SignOn) -> None:
        """Make or replace it. Raises NotFound without such an account."""

    async def due(self, provider: str, before: int, limit: int) -> tuple[SignOn, ...]:
        """Those of a provider that were last checked before `before`, longest ago first."""
        ...

    async def renewed(self, old: SignOn, new: SignOn) -> bool:
        """Replace one that still is what it was; False when somebody else was quicker."""
        ...

    async def remove(self, provider: str, external: str) -> None:
        """Fine when there is none."""
