"""Trusts as the credentials that they are: what ends one ends the tokens that it was good for; a robot takes its along.

Robots stand in trusts by their names. A robot that is made anew under an old name is another, for which nobody has
spoken yet.
"""

from orlop.domain.errors import RegistryError
from orlop.domain.identity.trusts import KIND, read_trust
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import By
from orlop.ports.identity import Sessions
from orlop.ports.settings import Document, Documents


class TrustDocuments:
    """See ports.settings.Documents. With a trust that is changed or removed the epoch of its robot ends."""

    def __init__(self, documents: Documents, sessions: Sessions) -> None:
        self._documents = documents
        self._sessions = sessions

    async def get(self, kind: str, name: str, path: str = "") -> Document | None:
        return await self._documents.get(kind, name, path)

    async def all(self, kind: str) -> tuple[Document, ...]:
        return await self._documents.all(kind)

    async def page(self, kind: str, page: PageRequest, path: str | None = None) -> Page[Document]:
        return await self._documents.page(kind, page, path)

    async def covering(self, kind: str, path: str) -> tuple[Document, ...]:
        return await self._documents.covering(kind, path)

    async def paths(self, kind: str, most: int) -> tuple[str, ...]:
        return await self._documents.paths(kind, most)

    async def version(self) -> int:
        return await self._documents.version()

    async def put(self, document: Document, by: By, *, expected: int | None = None, rights: bool = True) -> Document:
        before = await self._before(document.kind, document.name)
        made = await self._documents.put(document, by, expected=expected, rights=rights)
        if before is not None and before.version != made.version:
            await self._end(before, by)
        return made

    async def remove(
        self, kind: str, name: str, by: By, *, path: str = "", expected: int | None = None, rights: bool = True
    ) -> None:
        before = await self._before(kind, name)
        await self._documents.remove(kind, name, by, path=path, expected=expected, rights=rights)
        if before is not None:
            await self._end(before, by)

    async def remove_of(self, robot: str, by: By) -> None:
        """Remove every trust that stands for a robot."""
        for document in await self._documents.all(KIND):
            if robot_of(document) == robot:
                await self._documents.remove(KIND, document.name, by)

    async def _before(self, kind: str, name: str) -> Document | None:
        return await self._documents.get(kind, name) if kind == KIND else None

    async def _end(self, trust: Document, by: By) -> None:
        robot = robot_of(trust)
        if robot:
            await self._sessions.end_logins(robot, by)


def robot_of(trust: Document) -> str:
    """The robot that a trust stands for; empty when it cannot be read, which stands for nobody."""
    try:
        return read_trust(trust.body).robot
    except RegistryError:
        return ""
