"""How far every quota is used up, for metrics."""

import msgspec
import structlog

from orlop.domain.quotas import QUOTAS, Quota, Usage
from orlop.ports.settings import Documents
from orlop.ports.usage import Usages

_log = structlog.get_logger("orlop.usage")

#: Metrics tell of no more quotas than these, by place and name.
MOST = 200


class QuotaLevel(msgspec.Struct, frozen=True):
    """A limit of a quota and what is in use of it."""

    quota: str
    path: str
    of: str
    used: int
    limit: int


async def quota_levels(documents: Documents, usages: Usages, now: int) -> list[QuotaLevel]:
    """Of each limit, by place and name. What a newer release wrote is passed over. Raises Unavailable."""
    quotas: list[tuple[str, str, Quota]] = []
    for document in (await documents.all(QUOTAS.kind))[:MOST]:
        try:
            quotas.append((document.path, document.name, msgspec.json.decode(document.body, type=Quota)))
        except msgspec.MsgspecError as error:
            _log.error("a quota cannot be read by this release", quota=document.name, reason=str(error))
    if not quotas:
        return []
    found = await usages.of([path for path, _, _ in quotas], now)
    return [
        QuotaLevel(name, path, what, used, limit)
        for path, name, quota in quotas
        for what, limit, used in zip(
            Usage.__struct_fields__, quota.limits.each(), found.get(path, (Usage(), 0))[0].each(), strict=True
        )
        if limit
    ]
