"""How far every quota is used up, for metrics and for those who are to do something."""

from collections.abc import Callable

import msgspec
import structlog

from orlop.domain.quotas import QUOTAS, Quota, Usage
from orlop.ports.settings import Documents
from orlop.ports.usage import Usages

_log = structlog.get_logger("orlop.usage")

#: No more quotas are told of than these, by place and name.
MOST = 200


class QuotaLevel(msgspec.Struct, frozen=True):
    """A limit of a quota and what is in use of it."""

    quota: str
    path: str
    of: str
    used: int
    limit: int
    warn: int
    """From which percentage on somebody is warned; 0: from none."""


async def quota_levels(
    documents: Documents, usages: Usages, now: int, wanted: Callable[[str], bool] = lambda _: True
) -> list[QuotaLevel]:
    """Of each limit of those whose places are wanted, by place and name. What a newer release wrote is passed over.
    Raises Unavailable."""
    quotas: list[tuple[str, str, Quota]] = []
    for document in [each for each in await documents.all(QUOTAS.kind) if wanted(each.path)][:MOST]:
        try:
            quotas.append((document.path, document.name, msgspec.json.decode(document.body, type=Quota)))
        except msgspec.MsgspecError as error:
            _log.error("a quota cannot be read by this release", quota=document.name, reason=str(error))
    if not quotas:
        return []
    found = await usages.of([path for path, _, _ in quotas], now)
    return [
        QuotaLevel(name, path, what, used, limit, quota.warn)
        for path, name, quota in quotas
        for what, limit, used in zip(
            Usage.__struct_fields__, quota.limits.each(), found.get(path, (Usage(), 0))[0].each(), strict=True
        )
        if limit
    ]
