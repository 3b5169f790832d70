"""Directories as a source of passwords and of groups: who they are is kept as documents, and how they are asked is an
adapter's.

People appear here when they first sign in. From then on a look at the directory, every so often, takes their rights
away as soon as the directory knows them no more, whether or not they ever sign in again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from orlop.domain.access import SYSTEM
from orlop.domain.counts import counted
from orlop.domain.errors import RegistryError, Unavailable
from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.providers import PROVIDER, authority_of, decode_provider
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import By
from orlop.ports.clock import Clock
from orlop.ports.events import Changes
from orlop.ports.identity import Account, Document, Documents, ExternalAccounts
from orlop.ports.sign_on import Directory, DirectoryState, ExternalIdentity

_log = structlog.get_logger("orlop.directories")

#: Makes a directory of what its administrators say of it, under the provider's name. Raises Unavailable for what cannot
#: be used on this machine, such as a file that is not there.
Opening = Callable[[str, LdapProvider], Directory]


class _Open(NamedTuple):
    document: Document
    authority: str
    directory: Directory


class Directories:
    """See ports.sign_on.PasswordSource. `changes` moves when a document does."""

    def __init__(
        self, documents: Documents, accounts: ExternalAccounts, changes: Changes, clock: Clock, opening: Opening
    ) -> None:
        self._documents = documents
        self._accounts = accounts
        self._changes = changes
        self._clock = clock
        self._opening = opening
        self._count: int | None = None
        self._opened: dict[str, _Open] = {}
        self._unusable: dict[str, str] = {}
        """Why, by the provider's name. These are tried again at every sign-in: what is missing may be there by then."""

    async def verify(self, name: str, password: str) -> ExternalIdentity | None:
        """The person who signs in, as the first directory knows them that does. When none does, one that could not be
        asked might have: raises Unavailable then."""
        current = await self._current()
        unasked: Unavailable | None = None
        if self._unusable:
            which = ", ".join(sorted(self._unusable))
            unasked = Unavailable(f"the directory {which} cannot be used; nobody was signed in, and the log says why")
        for opened in current.values():
            try:
                found = await opened.directory.verify(name, password)
            except Unavailable as failure:
                unasked = failure
                continue
            if found is not None:
                return found
        if unasked is not None:
            raise unasked
        return None

    async def synchronise(self) -> str:
        """Take over from every directory who is gone and who is in which group; what happened, in a few words.

        One that cannot be asked changes nothing, and neither does one that shows nobody at all: that is a search that
        finds nobody, not a company without people.
        """
        words = []
        for source, opened in (await self._current()).items():
            try:
                words.append(await self._take_over(source, opened))
            except RegistryError as failure:
                _log.error("a directory was not synchronised", provider=source, reason=failure.message)
                words.append(f"{source}: {failure.message}")
        words += [f"{source}: {reason}" for source, reason in self._unusable.items()]
        return "; ".join(words) or "there is no directory"

    def close(self) -> None:
        """Let go of every directory."""
        for opened in self._opened.values():
            opened.directory.close()
        self._opened = {}

    async def _take_over(self, source: str, opened: _Open) -> str:
        state = await opened.directory.state()
        here = [account for account in await self._of(source) if account.authority in (opened.authority, "")]
        if here and not state.people:
            raise Unavailable("the directory shows nobody at all; nothing was changed")
        gone = [account.name for account in here if account.external not in state.people]
        by = By(SYSTEM.name, self._clock.now())
        await self._accounts.synchronise(source, opened.authority, _named(state, here), gone, by)
        return (
            f"{source}: {counted(len(here), 'account')}, {len(gone)} of them gone,"
            f" {counted(len(state.groups), 'group')}"
        )

    async def _of(self, source: str) -> list[Account]:
        accounts: list[Account] = []
        more = True
        while more:
            page = await self._accounts.of_source(source, PageRequest(after=accounts[-1].name if accounts else ""))
            accounts += page.items
            more = page.more
        return accounts

    async def _current(self) -> dict[str, _Open]:
        """Every directory by the provider's name, opened anew where its document changed or it could not be used."""
        count = self._changes.current()
        if count is None or count != self._count or self._unusable:
            self._reopen(await self._documents.all(PROVIDER))
            self._count = count if count == self._changes.current() else None
        return dict(self._opened)

    def _reopen(self, documents: Sequence[Document]) -> None:
        before, self._opened = self._opened, {}
        told, self._unusable = self._unusable, {}
        for document in documents:
            known = before.pop(document.name, None)
            if known is not None and known.document == document:
                self._opened[document.name] = known
                continue
            try:
                provider = decode_provider(document.body)
                if isinstance(provider, LdapProvider):
                    opened = self._opening(document.name, provider)
                    self._opened[document.name] = _Open(document, authority_of(provider), opened)
            except (msgspec.ValidationError, RegistryError) as problem:
                reason = self._unusable[document.name] = str(problem)
                if told.get(document.name) != reason:
                    _log.error("a directory cannot be used", provider=document.name, reason=reason)
            if known is not None:
                known.directory.close()
        for gone in before.values():
            gone.directory.close()


def _named(state: DirectoryState, here: Sequence[Account]) -> dict[str, list[str]]:
    """The groups with the names of those of their members that have an account here."""
    names = {account.external: account.name for account in here}
    return {group: sorted(names[who] for who in people if who in names) for group, people in state.groups.items()}
