"""All of management, made on the ports that it needs."""

from collections.abc import Mapping
from typing import Self

import msgspec

from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.identity.secrets import Draw
from orlop.domain.settings import SettingKind
from orlop.ports.catalog import Repositories
from orlop.ports.clock import Clock
from orlop.ports.identity import Identity
from orlop.services.access.decisions import Access
from orlop.services.identity.signing import Signing
from orlop.services.management.adoption import Adoption
from orlop.services.management.explain import Explaining
from orlop.services.management.giving import Giving
from orlop.services.management.grants import GrantsOnPlaces
from orlop.services.management.groups import GroupsAndMembers
from orlop.services.management.house_rules import HouseRulesTold
from orlop.services.management.named import NamedInRules
from orlop.services.management.namespaces import NamespaceTree
from orlop.services.management.operations import Gate
from orlop.services.management.passwords import NewPasswords
from orlop.services.management.robots import Robots
from orlop.services.management.sessions import Keys, SessionsOfAccounts
from orlop.services.management.tokens import PersonalTokens
from orlop.services.management.trusts import TrustDocuments
from orlop.services.management.users import Users
from orlop.services.settings.kept import KeptSettings, SettingCheck
from orlop.services.tags.terms import WriteTerms


class Management(msgspec.Struct, frozen=True):
    """One service for each kind of thing."""

    gate: Gate
    users: Users
    robots: Robots
    tokens: PersonalTokens
    groups: GroupsAndMembers
    grants: GrantsOnPlaces
    namespaces: NamespaceTree
    settings: KeptSettings
    adoption: Adoption
    sessions: SessionsOfAccounts
    keys: Keys
    explaining: Explaining
    house_rules: HouseRulesTold

    @classmethod
    def on(
        cls,
        identity: Identity,
        access: Access,
        clock: Clock,
        repositories: Repositories,
        terms: WriteTerms,
        *,
        passwords: NewPasswords,
        draw: Draw,
        signing: Signing,
        kinds: Mapping[str, SettingKind],
        places: SecretPlaces,
        checks: Mapping[str, SettingCheck] | None = None,
    ) -> Self:
        """On a catalog. `kinds`: the kinds of settings, by name; `places`: where the secrets that they name may be;
        `draw` gives random bytes."""
        gate = Gate(access, clock)
        giving = Giving(gate, identity.grants, identity.members, identity.groups, identity.external)
        documents = TrustDocuments(identity.documents, identity.sessions)
        named = NamedInRules(documents)
        settings = KeptSettings(gate, giving, documents, kinds, places, checks)
        explaining = Explaining(gate, identity.accounts, identity.members, identity.grants, identity.facts)
        return cls(
            gate=gate,
            users=Users(gate, giving, identity.accounts, passwords, named),
            robots=Robots(gate, giving, identity.accounts, identity.secrets, documents, named, draw),
            tokens=PersonalTokens(gate, identity.secrets, draw),
            groups=GroupsAndMembers(gate, giving, identity.groups, identity.members, named),
            grants=GrantsOnPlaces(gate, giving, identity.grants, identity.members, documents),
            namespaces=NamespaceTree(
                gate, giving, identity.namespaces, identity.grants, identity.facts, repositories, terms, settings
            ),
            settings=settings,
            adoption=Adoption(
                gate, giving, identity.documents, identity.accounts, identity.external, identity.sign_ons
            ),
            sessions=SessionsOfAccounts(gate, identity.sessions),
            keys=Keys(gate, identity.keys, signing),
            explaining=explaining,
            house_rules=HouseRulesTold(gate, documents, identity.facts, explaining),
        )
