"""The tree above repositories, and the end of a repository."""

import msgspec

from orlop.adapters.memory.state import State
from orlop.domain.access import SubjectKind
from orlop.domain.errors import NameUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import By
from orlop.ports.identity import Namespace
from orlop.ports.identity_words import in_the_way, namespace_words, refuse_stale, repository_words, taken, unknown


class MemoryNamespaces:
    """See ports.identity.Namespaces."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows = state.identity

    async def get(self, path: str) -> Namespace | None:
        return self._rows.namespaces.get(path)

    async def page(self, below: str, page: PageRequest) -> Page[Namespace]:
        start = f"{below}/" if below else ""
        found = [
            row
            for path, row in sorted(self._rows.namespaces.items())
            if path and path.startswith(start) and path > page.after
        ]
        return page_of(found, page)

    async def put(self, namespace: Namespace, by: By, *, expected: int | None = None) -> Namespace:
        path, rows = namespace.path, self._rows
        before = rows.namespaces.get(path)
        if before is not None and expected == 0:
            raise taken("namespace", path or "at the root")
        refuse_stale(f"namespace {path or 'at the root'}", before.version if before else 0, expected)
        words = namespace_words(before, namespace)
        if before is not None and not words:
            return before
        rows.made_namespace(path, by)
        made = msgspec.structs.replace(
            rows.namespaces[path],
            visibility=namespace.visibility,
            description=namespace.description,
            version=before.version + 1 if before else 1,
        )
        rows.namespaces[path] = made
        self._state.event(EventKind.NAMESPACE_CHANGED, by, subject=path, detail=words)
        rows.moved()
        return made

    async def remove(self, path: str, by: By) -> None:
        rows = self._rows
        if path not in rows.namespaces:
            raise unknown("namespace", path)
        if not path:
            raise in_the_way("", "it is the root")
        below, robot = f"{path}/", (SubjectKind.ROBOT, path)
        if any(name.startswith(below) for name in (*self._state.repositories, *rows.namespaces)):
            raise in_the_way(path, "repositories or namespaces lie below it")
        if any((row.account.kind, row.account.namespace) == robot for row in rows.accounts.values()):
            raise in_the_way(path, "robots belong to it")
        for record in rows.grants_on(path):
            del rows.grants[record.grant.id]
            self._state.event(EventKind.GRANT_REMOVED, by, subject=record.grant.principal, detail=str(record.grant))
        del rows.namespaces[path]
        self._state.event(EventKind.NAMESPACE_DELETED, by, subject=path)
        rows.moved()

    async def remove_repository(self, name: RepositoryName, by: By) -> None:
        row = self._state.repositories.get(name)
        if row is None:
            raise NameUnknown(f"there is no repository {name}", {"name": name})
        words = repository_words(row.counters.tags, row.counters.manifests, row.counters.blobs)
        self._state.remove(row, by)
        self._state.event(EventKind.REPOSITORY_DELETED, by, name, detail=words)
        self._state.changes.moved()
        self._rows.deletions[name] = self._rows.moved()
