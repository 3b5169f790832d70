"""All of management, made on the ports that it needs."""

from collections.abc import Mapping
from typing import Self

import msgspec

from orlop.domain.secrets import Draw
from orlop.ports.clock import Clock
from orlop.ports.identity import Identity
from orlop.services.access import Access
from orlop.services.management.documents import DocumentKind, DocumentsOfKinds
from orlop.services.management.explain import Explaining
from orlop.services.management.giving import Giving
from orlop.services.management.grants import GrantsOnPlaces
from orlop.services.management.groups import GroupsAndMembers
from orlop.services.management.namespaces import NamespaceTree
from orlop.services.management.operations import Gate
from orlop.services.management.passwords import NewPasswords
from orlop.services.management.robots import Robots
from orlop.services.management.roles import Roles
from orlop.services.management.sessions import Keys, SessionsOfAccounts
from orlop.services.management.tokens import Tokens
from orlop.services.management.trusts import TrustDocuments
from orlop.services.management.users import Users
from orlop.services.signing import Signing


class Management(msgspec.Struct, frozen=True):
    """One service for each kind of thing."""

    gate: Gate
    users: Users
    robots: Robots
    tokens: Tokens
    groups: GroupsAndMembers
    roles: Roles
    grants: GrantsOnPlaces
    namespaces: NamespaceTree
    documents: DocumentsOfKinds
    sessions: SessionsOfAccounts
    keys: Keys
    explaining: Explaining

    @classmethod
    def on(
        cls,
        identity: Identity,
        access: Access,
        clock: Clock,
        *,
        passwords: NewPasswords,
        draw: Draw,
        signing: Signing,
        kinds: Mapping[str, DocumentKind],
    ) -> Self:
        """On a catalog. `kinds`: the kinds of documents, by name; `draw` gives random bytes."""
        gate = Gate(access, clock)
        giving = Giving(gate, identity.grants, identity.members)
        roles = Roles(gate, giving, identity.documents)
        documents = TrustDocuments(identity.documents, identity.sessions)
        return cls(
            gate=gate,
            users=Users(gate, giving, identity.accounts, passwords),
            robots=Robots(gate, giving, identity.accounts, identity.secrets, documents, draw),
            tokens=Tokens(gate, identity.secrets, draw),
            groups=GroupsAndMembers(gate, giving, identity.groups, identity.members),
            roles=roles,
            grants=GrantsOnPlaces(gate, giving, identity.grants, identity.members, roles),
            namespaces=NamespaceTree(gate, giving, identity.namespaces, identity.grants),
            documents=DocumentsOfKinds(gate, giving, documents, kinds),
            sessions=SessionsOfAccounts(gate, identity.sessions),
            keys=Keys(gate, identity.keys, signing),
            explaining=Explaining(gate, identity.accounts, identity.members, identity.grants, identity.facts),
        )
