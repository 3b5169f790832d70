"""All that people look through, made on the ports that it needs."""

from typing import Self

import msgspec

from orlop.ports.catalog import Catalog
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access
from orlop.services.browse.children import NamespaceChildren
from orlop.services.browse.search import RegistrySearch
from orlop.services.browse.tags import RepositoryTags
from orlop.services.content.repositories import Repositories
from orlop.services.management.all import Management
from orlop.services.settings.in_force import SettingsInForce


class Browsing(msgspec.Struct, frozen=True):
    """One service for each kind of list."""

    children: NamespaceChildren
    tags: RepositoryTags
    search: RegistrySearch

    @classmethod
    def on(
        cls,
        catalog: Catalog,
        facts: AccessFacts,
        access: Access,
        repositories: Repositories,
        management: Management,
        settings: SettingsInForce,
    ) -> Self:
        """Everything, of one process."""
        gate = management.gate
        return cls(
            children=NamespaceChildren(gate, access, repositories, facts, catalog.browse, catalog.children),
            tags=RepositoryTags(gate, access, facts, catalog.tag_lists, settings),
            search=RegistrySearch(access, repositories, catalog.search, management.users, management.robots),
        )
