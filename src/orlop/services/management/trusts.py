"""Trusts as the credentials that they are: what ends one ends the tokens that it was good for; a robot takes its along.

Robots stand in trusts by their names. A robot that is made anew under an old name is another, for which nobody has
spoken yet.
"""

from orlop.domain.errors import RegistryError
from orlop.domain.trusts import KIND, read_trust
from orlop.ports.catalog import By
from orlop.ports.identity import Document, Documents, Sessions


class TrustDocuments:
    """See ports.identity.Documents. With a trust that is changed or removed the epoch of its robot ends."""

    def __init__(self, documents: Documents, sessions: Sessions) -> None:
        self._documents = documents
        self._sessions = sessions

    async def get(self, kind: str, name: str) -> Document | None:
        return await self._documents.get(kind, name)

    async def all(self, kind: str) -> tuple[Document, ...]:
        return await self._documents.all(kind)

    async def put(self, document: Document, by: By, *, expected: int | None = None) -> Document:
        before = await self._before(document.kind, document.name)
        made = await self._documents.put(document, by, expected=expected)
        if before is not None and before.version != made.version:
            await self._end(before, by)
        return made

    async def remove(self, kind: str, name: str, by: By, *, expected: int | None = None) -> None:
        before = await self._before(kind, name)
        await self._documents.remove(kind, name, by, expected=expected)
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
