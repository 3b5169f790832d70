"""A catalog of Orlop's with quotas of all kinds on three levels, and room for everything."""

import json
from collections.abc import Awaitable, Callable

from bench.scenes import people
from bench.scenes.catalog import Writer
from orlop.domain.quotas import QUOTAS
from orlop.ports.catalog import By
from orlop.ports.identity import Identity
from orlop.ports.settings import Document

#: Below which images are pushed.
LIMITED = "push/limited"

_BODY = {"bytes": "500GiB", "logical_bytes": "900GiB", "tags": 1_000_000, "repositories": 1_000_000, "warn": 80}
_BY = By("bench", 1_700_000_000_000_000)


async def limited(writer: Writer) -> None:
    """No content, and quotas."""
    await writer.people(people.steps())
    await writer.people(map(_quota, ("", "push", LIMITED)))


def _quota(path: str) -> Callable[[Identity], Awaitable[object]]:
    document = Document(QUOTAS.kind, "room", json.dumps(_BODY).encode(), path=path)
    return lambda identity: identity.documents.put(document, _BY)
