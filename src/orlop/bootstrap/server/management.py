"""Builds management on an open catalog."""

import secrets
from collections.abc import Mapping

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.sign_in import SignIn
from orlop.config import Settings
from orlop.domain.identity.secrets import Draw
from orlop.domain.kinds import KINDS
from orlop.domain.settings import SettingKind
from orlop.ports.catalog import Catalog, Repositories
from orlop.ports.clock import Clock
from orlop.ports.identity import Identity
from orlop.services.access.decisions import Access
from orlop.services.content.repositories import Repositories as SeenRepositories
from orlop.services.management.all import Management
from orlop.services.management.passwords import NewPasswords
from orlop.services.settings.kept import SettingCheck
from orlop.services.tags.terms import WriteTerms
from orlop.services.trash.namespaces import NamespaceRestoration
from orlop.services.trash.trash import Trash


def build_management(
    settings: Settings,
    identity: Identity,
    access: Access,
    sign_in: SignIn,
    repositories: Repositories,
    terms: WriteTerms,
    clock: Clock | None = None,
    draw: Draw = secrets.token_bytes,
    kinds: Mapping[str, SettingKind] = KINDS,
    checks: Mapping[str, SettingCheck] | None = None,
) -> Management:
    """Every service of management. `kinds`: the kinds of settings; `checks`: see KeptSettings."""
    return Management.on(
        identity,
        access,
        clock or SystemClock(),
        repositories,
        terms,
        passwords=NewPasswords(identity.passwords, sign_in.hasher, least=settings.auth.password_length),
        draw=draw,
        signing=sign_in.signing,
        kinds=kinds,
        places=settings.secrets.places,
        checks=checks,
    )


def build_trash(
    management: Management, repositories: SeenRepositories, catalog: Catalog, identity: Identity, terms: WriteTerms
) -> Trash:
    """The trash, for those who see, restore or give up what lies there."""
    restoration = NamespaceRestoration(
        management.gate,
        management.namespaces,
        management.settings,
        management.grants,
        identity.namespaces,
        catalog.namespace_trash,
    )
    return Trash(management.gate, repositories, catalog.trash, catalog.trash_end, terms, restoration)
