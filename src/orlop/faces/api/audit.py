"""The end point that searches the audit log."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.audit import Chained
from orlop.domain.errors import PageInvalid
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of
from orlop.services.audit.query import AllowedQuery, Search
from orlop.services.management.operations import Operation


class EntryValue(msgspec.Struct, frozen=True):
    """One thing that happened, or was refused. `count` tells how often where many are told as one, since `first_at`;
    `event` is the number of the event that it was made of, which its hash covers."""

    sequence: int
    event: int
    at: values.Time
    kind: str
    actor: str
    credential: str
    address: str
    request: str
    repository: str
    digest: str
    tag: str
    subject: str
    detail: str
    count: int
    first_at: values.Time
    refused: bool
    hash: str

    @classmethod
    def of(cls, chained: Chained) -> "EntryValue":
        entry = chained.entry
        return cls(
            sequence=entry.sequence,
            event=entry.event,
            at=values.time(entry.at),
            kind=entry.kind,
            actor=entry.actor,
            credential=entry.credential,
            address=entry.address,
            request=entry.request,
            repository=entry.repository,
            digest=entry.digest,
            tag=entry.tag,
            subject=entry.subject,
            detail=entry.detail,
            count=entry.count,
            first_at=values.time(entry.first_at),
            refused=entry.refused,
            hash=chained.hash,
        )


def audit(query: AllowedQuery) -> list[HTTPRouteHandler]:
    """`/audit`."""

    @get("/audit", operation_id="searchAudit", tags=["audit"], operation=Operation.AUDIT_READ)
    async def search_audit(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        since: Annotated[datetime | None, QueryParameter(name="since", description="Not before this time.")] = None,
        until: Annotated[datetime | None, QueryParameter(name="until", description="Before this time.")] = None,
        actor: Annotated[str, QueryParameter(name="actor", max_length=255, description="Who did it.")] = "",
        kind: Annotated[
            str, QueryParameter(name="kind", max_length=64, description="What happened, such as `tag.set`.")
        ] = "",
        place: Annotated[
            str,
            QueryParameter(
                name="place",
                max_length=255,
                description="A repository, or a namespace with everything below it. Whoever does not read the whole "
                "log but administers a namespace has to name it here.",
            ),
        ] = "",
        subject: Annotated[
            str, QueryParameter(name="subject", max_length=255, description="Whom or what it happened to.")
        ] = "",
        address: Annotated[
            str, QueryParameter(name="address", max_length=64, description="The address that it came from.")
        ] = "",
        refused: Annotated[bool | None, QueryParameter(name="refused", description="Whether it was refused.")] = None,
    ) -> Response[list[EntryValue]]:
        """Entries of the audit log, newest first. A page may have fewer entries than asked for, or none, and still more
        behind it: then there is a link to the next."""
        search = Search(
            since=values.moment(since),
            until=values.moment(until),
            actor=actor,
            kind=kind,
            place=place,
            subject=subject,
            address=address,
            refused=refused,
        )
        page = await query.page(caller_of(request), search, before=_number(last), size=n)
        headers: dict[str, str] = {}
        if page.next:
            kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"n", "last"}]
            following = urlencode([*kept, ("n", str(n)), ("last", str(page.next))])
            headers["link"] = f'<{request.scope["path"]}?{following}>; rel="next"'
        return Response([EntryValue.of(each) for each in page.entries], headers=headers)

    return [search_audit]


def _number(last: str) -> int:
    """Where to go on. Raises PageInvalid."""
    if not last:
        return 0
    if not last.isascii() or not last.isdecimal() or not 0 < len(last) < 19:
        raise PageInvalid("this list goes on after a number", {"last": last[:64]})
    return int(last)
