"""Accounts as the catalog keeps them: users and robots, those that somebody else vouches for, and passwords."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.access import SubjectKind
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import By

#: The source of accounts and groups that are managed here; others carry the name of a sign-on provider.
LOCAL = "local"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user or a robot. Times are microseconds since 1970, 0 for never."""

    id: int = 0
    kind: SubjectKind = SubjectKind.USER
    name: str
    display: str = ""
    email: str = ""
    source: str = LOCAL
    """`local`, or the sign-on provider that vouches for it."""
    external: str = ""
    """The provider's own name for it, which never changes."""
    authority: str = ""
    """Which identity of the provider vouched for it (domain.identity.providers.authority_of): under another nobody can
    sign in as it. Empty for accounts that an older release made: whoever the provider was."""
    namespace: str = ""
    """Of a robot: whose administrators manage it; empty: the registry's."""
    has_password: bool = False
    must_change: bool = False
    """Whether it can do nothing but choose another password."""
    second_factors: tuple[str, ...] = ()
    """The kinds that are set up, such as `totp`."""
    disabled: str = ""
    """Why it may not sign in; empty: it may."""
    expires_at: int = 0
    created_at: int = 0
    created_by: str = ""
    used_at: int = 0
    used_from: str = ""
    version: int = 1
    """Raised by every change: what an entity tag is made of."""
    epoch: int = 1
    """Another as soon as everything is over that it was signed in with by password: the password was set, a second
    factor is asked for from now on, or it was signed out everywhere. None comes twice: it is a time."""
    signed_in_from: str = ""
    """The address of its last sign-in with a password or in a browser: nobody with a token moves it."""


class AccountChange(msgspec.Struct, frozen=True):
    """What to change; None leaves a field as it is."""

    display: str | None = None
    email: str | None = None
    disabled: str | None = None
    expires_at: int | None = None
    authority: str | None = None


class Accounts(Protocol):
    """Users and robots."""

    async def add(self, account: Account, by: By) -> Account:
        """Make one; its id, version and times are given here. Raises Conflict when the name, or the provider's name
        for it, is taken."""
        ...

    async def get(self, name: str) -> Account | None:
        """By name."""
        ...

    async def page(self, kind: SubjectKind, page: PageRequest, *, namespace: str | None = None) -> Page[Account]:
        """Those of one kind by name; with `namespace` only robots of exactly that namespace."""
        ...

    async def change(self, name: str, change: AccountChange, by: By, *, expected: int | None = None) -> Account:
        """Raises NotFound, or Stale when its version is not `expected`."""
        ...

    async def remove(self, name: str, by: By, *, expected: int | None = None) -> None:
        """Remove it with its secrets, grants, memberships and sessions. Raises NotFound, Stale."""


class ExternalAccounts(Protocol):
    """Accounts that a sign-on provider vouches for."""

    async def external(self, source: str, authority: str, external: str) -> Account | None:
        """By the provider's name for it, under that identity of the provider; else one whose authority is not known."""
        ...

    async def of_source(self, source: str, page: PageRequest) -> Page[Account]:
        """Those of one provider, by name; `local` is none."""
        ...

    async def synchronise(
        self, source: str, authority: str, groups: Mapping[str, Sequence[str]], gone: Sequence[str], by: By
    ) -> None:
        """Make the provider's groups what they are now, in one transaction.

        `groups` maps a group's name to the names of its accounts; accounts that are not of this source under this
        authority (or have none) are passed over, and so are groups whose name another source has. Groups of this source
        that are not in `groups` are emptied, and removed unless a grant names them. Accounts in `gone` are disabled,
        with the reason; those of the source that were disabled by an earlier call and are not in `gone` are enabled
        again. Does nothing, and moves no version, where everything is so already.
        """

    async def of_account(self, source: str, account: str, groups: Sequence[str], by: By) -> None:
        """Make these the groups of one account of the provider, made where they are new; as `synchronise`, but a group
        that is left without members stays. Raises NotFound."""


class PasswordRecord(msgspec.Struct, frozen=True):
    """What is needed to check a password. `hash` is a PHC string; None: the account has no password here."""

    account: Account
    hash: str | None
    factors: bytes
    """The second factors, as whoever wrote them put it (JSON)."""


class Passwords(Protocol):
    """Passwords and second factors of local users."""

    async def get(self, name: str) -> PasswordRecord | None:
        """Of an account by name, of any kind and source."""
        ...

    async def set(self, name: str, hash: str | None, *, must_change: bool, by: By) -> None:  # noqa: A002
        """Set or remove a password; sessions and refresh secrets of the account end, and its epoch is another. Raises
        NotFound."""

    async def set_factors(self, name: str, factors: bytes, kinds: Sequence[str], by: By, *, session: str = "") -> None:
        """Replace the second factors. With the first everything ends that the password alone was good for, as if it
        were set, but for the browser that sets it up (`session`). Raises NotFound."""
