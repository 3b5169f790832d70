"""The tree above repositories, and the end of a repository."""

import msgspec

from orlop.adapters.memory.identity_rows import refuse_stale
from orlop.adapters.memory.state import State
from orlop.domain.errors import Conflict, NameUnknown, NotFound
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import By
from orlop.ports.identity import Namespace
from orlop.ports.identity_words import namespace_words, repository_words


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
        return Page(tuple(found[: page.size]), more=len(found) > page.size)

    async def put(self, namespace: Namespace, by: By, *, expected: int | None = None) -> Namespace:
        path, rows = namespace.path, self._rows
        before = rows.namespaces.get(path)
        if before is not None and expected == 0:
            raise Conflict(f"there is a namespace {path or 'at the root'} already", {"path": path})
        refuse_stale(f"the namespace {path or 'at the root'}", before.version if before else 0, expected)
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
            raise NotFound(f"there is no namespace {path}", {"path": path})
        if not path:
            raise Conflict("the root is always there")
        below = f"{path}/"
        if any(name.startswith(below) for name in (*self._state.repositories, *rows.namespaces)):
            raise Conflict(f"repositories or namespaces lie below {path}; delete those first", {"path": path})
        if any(row.account.namespace == path for row in rows.accounts.values()):
            raise Conflict(f"{path} has robots; remove those first", {"path": path})
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
