"""Who there is and what they may do, as rows in dictionaries; the version and the counter that move with them."""

from dataclasses import dataclass, field
from itertools import count

import msgspec

from orlop.adapters.memory.changes import MemoryChanges
from orlop.domain.access import PlaceKind
from orlop.domain.names import lineage
from orlop.ports.browser import SignOn, Step
from orlop.ports.catalog import By
from orlop.ports.identity import (
    Account,
    Attempts,
    Document,
    GrantRecord,
    Group,
    Namespace,
    Secret,
    Session,
    SigningKey,
)
from orlop.ports.identity_words import unknown


@dataclass(slots=True)
class AccountRow:
    """An account, and what it proves itself with."""

    account: Account
    hash: str | None = None
    factors: bytes = b""


@dataclass(slots=True)
class GroupRow:
    """A group, without the number of its members, and who they are."""

    group: Group
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class IdentityRows:
    """All rows. `changes` moves with every change of who may do what, and `version` with it."""

    changes: MemoryChanges = field(default_factory=MemoryChanges)
    version: int = 1
    ids: "count[int]" = field(default_factory=lambda: count(1))
    accounts: dict[str, AccountRow] = field(default_factory=dict)
    secrets: dict[int, Secret] = field(default_factory=dict)
    groups: dict[str, GroupRow] = field(default_factory=dict)
    grants: dict[int, GrantRecord] = field(default_factory=dict)
    namespaces: dict[str, Namespace] = field(default_factory=lambda: {"": Namespace(path="", created_by="orlop")})
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    deletions: dict[str, int] = field(default_factory=dict)
    keys: dict[str, SigningKey] = field(default_factory=dict)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    sign_ons: dict[tuple[str, str], SignOn] = field(default_factory=dict)

    def moved(self) -> int:
        """Who may do what is another from now on; the version of that."""
        self.version += 1
        self.changes.moved()
        return self.version

    def account(self, name: str) -> AccountRow:
        """Raises NotFound."""
        row = self.accounts.get(name)
        if row is None:
            raise unknown("account", name)
        return row

    def end_logins(self, name: str, by: By, *, but: str = "") -> tuple[list[Session], list[Secret]]:
        """End all that an account was signed in with by password but one session; what ended."""
        row = self.account(name)
        row.account = msgspec.structs.replace(row.account, epoch=max(by.at, row.account.epoch + 1))
        sessions = [each for each in self.sessions.values() if each.account == name and each.id != but]
        logins = [each for each in self.secrets.values() if each.account == name and each.kind == "refresh"]
        for session in sessions:
            del self.sessions[session.id]
        for login in logins:
            del self.secrets[login.id]
        return sessions, logins

    def group(self, name: str) -> GroupRow:
        """Raises NotFound."""
        row = self.groups.get(name)
        if row is None:
            raise unknown("group", name)
        return row

    def groups_of(self, account: str) -> tuple[str, ...]:
        """Names of the groups that an account is in, in order."""
        return tuple(sorted(name for name, row in self.groups.items() if account in row.members))

    def grants_of(self, *principals: str) -> list[GrantRecord]:
        """The grants of any of these principals, by number."""
        return [record for _, record in sorted(self.grants.items()) if record.grant.principal in principals]

    def grants_on(self, path: str) -> list[GrantRecord]:
        """The grants on exactly this namespace, by number."""
        return [
            record
            for _, record in sorted(self.grants.items())
            if record.grant.place.kind is PlaceKind.NAMESPACE and record.grant.place.path == path
        ]

    def made_namespace(self, path: str, by: By) -> None:
        """Make a namespace, with those above it, where there is none."""
        for above in lineage(path):
            if above not in self.namespaces:
                self.namespaces[above] = Namespace(path=above, created_at=by.at, created_by=by.actor)
