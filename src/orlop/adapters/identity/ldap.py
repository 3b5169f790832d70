"""A directory over LDAP: one person by name and password, and everybody with their groups.

The calls are synchronous, so they run in threads of their own, a bounded number at a time.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import ldap3
import structlog
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import safe_dn

from orlop.adapters.identity.ldap_connection import FAILED, Servers
from orlop.domain.access.spellings import sign_in_name
from orlop.domain.errors import Unavailable
from orlop.domain.identity.directories import NAME, LdapProvider
from orlop.domain.identity.providers import authority_of
from orlop.ports.sign_on import DirectoryState, ExternalIdentity

T = TypeVar("T")

#: Entries of one page, members asked for in one filter, and how deep groups in groups are followed.
_PAGE = 500
_TOGETHER = 50
_DEPTH = 32
#: Calls at once for each directory.
_THREADS = 4
#: Longer names and passwords are nobody's.
_MAX = 1024

_log = structlog.get_logger("orlop.ldap")


class _Entry(NamedTuple):
    """Something that was found: its name in the tree, and the raw values of what was asked for, in lower case."""

    dn: str
    values: dict[str, list[bytes]]

    def text(self, attribute: str) -> str:
        """The first value, or nothing."""
        found = self.values.get(attribute.lower())
        return found[0].decode("utf-8", "replace") if found else ""

    def texts(self, attribute: str) -> list[str]:
        """Every value."""
        return [value.decode("utf-8", "replace") for value in self.values.get(attribute.lower(), ())]

    def id(self, attribute: str) -> str:
        """What identifies it: text, or Active Directory's 16 bytes as the UUID that its tools show."""
        found = self.values.get(attribute.lower())
        if found and attribute.lower() == "objectguid" and len(found[0]) == 16:
            return str(uuid.UUID(bytes_le=found[0]))
        return self.text(attribute)


class LdapDirectory:
    """See ports.sign_on.Directory. `source` is the provider's name, `password` that of its bind DN."""

    def __init__(self, source: str, provider: LdapProvider, password: str) -> None:
        self._source = source
        self._provider = provider
        self._servers = Servers(provider, password)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"ldap-{source}")

    async def verify(self, name: str, password: str) -> ExternalIdentity | None:
        if not (_can_be_said(name) and _can_be_said(password)):
            return None
        return await self._run(lambda: self._verify(name, password))

    async def state(self) -> DirectoryState:
        return await self._run(self._state)

    async def trial(self) -> tuple[str, ...]:
        """What works of it: a server answers and lets us search, and the search finds people. Raises Unavailable."""
        return await self._run(self._trial)

    def close(self) -> None:
        """Let go of the threads; calls under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- Trying it out ---------------------------------------------------------------------------------------------

    def _trial(self) -> tuple[str, ...]:
        provider = self._provider
        try:
            with self._servers.searching() as (connection, server):
                wanted = provider.user_filter.replace(NAME, "*")
                found = next(iter(self._people(connection, wanted, limit=1)), None)
        except Unavailable as failure:
            reason = f": {failure.__cause__}" if failure.__cause__ else ""
            raise Unavailable(f"no server of it lets {provider.bind_dn or 'anybody'} search{reason}") from failure
        if found is None:
            raise Unavailable(f"{server} answers, but the search below {provider.user_base} finds nobody")
        if not found.id(provider.user_id) or not found.text(provider.user_name):
            raise Unavailable(f"{server} finds people, but not what identifies them: look at user_id and user_name")
        return (
            f"{server} answers, and lets {provider.bind_dn or 'anybody'} search",
            f"the search below {provider.user_base} finds people, with what identifies them",
        )

    # --- One person ------------------------------------------------------------------------------------------------

    def _verify(self, name: str, password: str) -> ExternalIdentity | None:
        provider = self._provider
        with self._servers.searching() as (connection, server):
            wanted = provider.user_filter.replace(NAME, escape_filter_chars(name))
            found = list(self._people(connection, wanted, limit=2))
            if len(found) != 1:
                if found:
                    _log.warning("a name is that of several people, so it is nobody's", provider=self._source)
                # As long as for somebody: the time must not tell who there is.
                self._servers.accepts(server, f"{provider.user_name}=-,{provider.user_base}", password)
                return None
            person = found[0]
            if not self._servers.accepts(server, person.dn, password):
                return None
            return self._identity(person, self._groups_of(connection, person))

    def _identity(self, person: _Entry, groups: Iterable[str]) -> ExternalIdentity | None:
        provider = self._provider
        external, called = person.id(provider.user_id), sign_in_name(person.text(provider.user_name))
        if not external or not called:
            _log.error("an entry lacks what identifies it, so nobody can be it", provider=self._source, dn=person.dn)
            return None
        return ExternalIdentity(
            source=self._source,
            authority=authority_of(provider),
            external=external,
            name=called,
            display=person.text(provider.user_display),
            email=person.text(provider.user_email),
            groups=tuple(sorted(groups)) if provider.group_base else None,
        )

    def _groups_of(self, connection: ldap3.Connection, person: _Entry) -> set[str]:
        """The groups here of one person: level by level, so that it takes as many searches as groups are deep."""
        provider, here, seen = self._provider, set[str](), set[str]()
        if not provider.group_base:
            return here
        frontier = person.texts(provider.user_name) if provider.members_are_names else [person.dn]
        for _ in range(_DEPTH):
            found = {_key(group.dn): group for group in self._groups_with(connection, frontier)}
            new = [group for key, group in found.items() if key not in seen]
            seen.update(found)
            here.update(name for group in new if (name := self._here(group)) is not None)
            frontier = [group.dn for group in new]
            if not frontier or provider.members_are_names:
                return here
        _log.warning("groups are nested too deeply; the outermost were not looked at", provider=self._source)
        return here

    def _groups_with(self, connection: ldap3.Connection, members: list[str]) -> Iterator[_Entry]:
        provider = self._provider
        for start in range(0, len(members), _TOGETHER):
            some = members[start : start + _TOGETHER]
            either = "".join(f"({provider.group_member}={escape_filter_chars(member)})" for member in some)
            wanted = f"(&{provider.group_filter}(|{either}))"
            yield from self._search(connection, provider.group_base, wanted, [provider.group_name])

    def _here(self, group: _Entry) -> str | None:
        return self._provider.group_here(group.text(self._provider.group_name), group.dn)

    # --- Everybody -------------------------------------------------------------------------------------------------

    def _state(self) -> DirectoryState:
        """All people and all groups in two searches, and groups in groups followed here and not there."""
        provider = self._provider
        with self._servers.searching() as (connection, _):
            everybody = list(self._people(connection, provider.user_filter.replace(NAME, "*")))
            groups = list(self._all_groups(connection)) if provider.group_base else []
        ids = {entry.dn: entry.id(provider.user_id) for entry in everybody}
        people = frozenset(external for external in ids.values() if external)
        if provider.members_are_names:
            known = {entry.text(provider.user_name): ids[entry.dn] for entry in everybody}
        else:
            known = {_key(dn): external for dn, external in ids.items()}
        here: dict[str, frozenset[str]] = {}
        for group, members in self._closed(groups):
            name = self._here(group)
            if name is not None:
                here[name] = here.get(name, frozenset()) | {known[member] for member in members if known.get(member)}
        return DirectoryState(people, here)

    def _all_groups(self, connection: ldap3.Connection) -> Iterator[_Entry]:
        provider = self._provider
        wanted = [provider.group_name, provider.group_member]
        return self._search(connection, provider.group_base, provider.group_filter, wanted)

    def _closed(self, groups: list[_Entry]) -> Iterator[tuple[_Entry, set[str]]]:
        """Each group with all its members, those of the groups in it included, whatever circles they form."""
        provider = self._provider
        key: Callable[[str], str] = str if provider.members_are_names else _key
        members = {_key(group.dn): {key(member) for member in group.texts(provider.group_member)} for group in groups}
        for group in groups:
            seen, waiting = {_key(group.dn)}, [_key(group.dn)]
            inside = set[str]()
            while waiting:
                direct = members[waiting.pop()]
                inside |= direct
                nested = [member for member in direct if member in members and member not in seen]
                seen.update(nested)
                waiting += nested
            yield group, inside

    def _people(self, connection: ldap3.Connection, wanted: str, limit: int = 0) -> Iterator[_Entry]:
        provider = self._provider
        attributes = [provider.user_id, provider.user_name, provider.user_display, provider.user_email]
        return self._search(connection, provider.user_base, wanted, attributes, limit)

    def _search(
        self, connection: ldap3.Connection, base: str, wanted: str, attributes: list[str], limit: int = 0
    ) -> Iterator[_Entry]:
        """Every entry below `base`, by pages; with a `limit` no more than so many. Raises Unavailable."""
        try:
            found = connection.extend.standard.paged_search(
                base,
                wanted,
                search_scope=ldap3.SUBTREE,
                attributes=attributes,
                paged_size=min(limit, _PAGE) if limit else _PAGE,
                time_limit=self._provider.timeout,
                generator=True,
            )
            count = 0
            for answer in found:
                if answer.get("type") != "searchResEntry":
                    continue  # a referral to another server, which nobody asked for
                yield _entry(answer)
                count += 1
                if count == limit:
                    return
        except FAILED as failure:
            raise Unavailable("the directory could not be searched; nothing was changed") from failure
        if connection.result["result"] != 0:
            raise Unavailable(f"the directory could not be searched: {connection.result['description']}")


def _can_be_said(text: str) -> bool:
    """Whether a name or password can be put to a directory: neither empty nor endless, without NUL, and all Unicode.

    An empty password, or one that a server reads only up to its NUL, would be a bind as nobody, which succeeds
    (RFC 4513, section 5.1.2).
    """
    if not 0 < len(text) <= _MAX or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entry(answer: dict[str, Any]) -> _Entry:
    return _Entry(str(answer["dn"]), {name.lower(): list(raw) for name, raw in answer["raw_attributes"].items()})


def _key(dn: str) -> str:
    """A DN as it is compared: by its parts, without regard to case or to spaces between them."""
    try:
        return str(safe_dn(dn)).lower()
    except LDAPException:
        return dn.lower()
