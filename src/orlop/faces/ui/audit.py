"""The page of the audit log: a search over everything that an entry says, and what proves that the log is whole."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from orlop.domain.durations import SECOND
from orlop.domain.errors import Denied, RegistryError, RequestInvalid
from orlop.domain.events import EventKind
from orlop.faces.ui.exchange import Reply, UiExchange, number_of
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.audit.query import AllowedQuery, AuditPage, Search

_ROWS = 50
#: What is asked for in an address, by the names of the API.
_FIELDS = ("since", "until", "actor", "kind", "place", "subject", "address", "refused")


class AuditPages:
    """See `AllowedQuery`. An owner of a namespace has to name it; an auditor need not."""

    def __init__(self, pages: Pages, audit: AllowedQuery) -> None:
        self._pages = pages
        self._audit = audit

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/audit", self.show),)

    async def show(self, exchange: UiExchange) -> Reply:
        """Entries, newest first."""
        reads_all = await self._audit.reads_all(exchange.caller)
        asked = {name: exchange.query.get(name, "").strip() for name in _FIELDS}
        found, refusal = AuditPage(()), None
        try:
            if not reads_all and not asked["place"]:
                raise Denied("name a place that you administer: of the rest only auditors read")
            before = number_of(exchange.query.get("last", "") or "0")
            if before is None:
                raise RequestInvalid("this list goes on after a number")
            found = await self._audit.page(exchange.caller, _search(asked), before=before, size=_ROWS)
        except RegistryError as refused:
            refusal = refused
        head = await self._audit.head(exchange.caller) if reads_all else None
        kept = {name: value for name, value in asked.items() if value}
        following = urlencode({**kept, "last": str(found.next)}) if found.next else ""
        return self._pages.page(
            exchange,
            "audit",
            refusal=refusal,
            parts=("rows",),
            entries=found.entries,
            asked=asked,
            flags=_flags(asked),
            query_string=urlencode(kept),
            reads_all=reads_all,
            kinds=sorted(kind.value for kind in EventKind),
            head=msgspec.json.encode(head).decode() if head is not None else "",
            signed=head.sequence if head is not None else 0,
            following=f"/audit?{following}" if following else "",
        )


def _search(asked: dict[str, str]) -> Search:
    """Raises RequestInvalid."""
    if asked["refused"] not in {"", "true", "false"}:
        raise RequestInvalid("refused is true or false")
    return Search(
        since=_moment(asked["since"]),
        until=_moment(asked["until"]),
        actor=asked["actor"],
        kind=asked["kind"],
        place=asked["place"].strip("/"),
        subject=asked["subject"],
        address=asked["address"],
        refused={"": None, "true": True, "false": False}[asked["refused"]],
    )


def _moment(text: str) -> int:
    """A day, or a time, in UTC where it does not say. Raises RequestInvalid."""
    if not text:
        return 0
    try:
        found = datetime.fromisoformat(text)
    except ValueError as cause:
        raise RequestInvalid(f"{text[:64]!r} is no time: write 2026-11-25, or 2026-11-25T17:00:00Z") from cause
    at = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return max(int(at.timestamp() * SECOND), 0)


def _flags(asked: dict[str, str]) -> list[tuple[str, str]]:
    """As they are typed behind `orlop audit ls`; without a value where it is a switch."""
    flags = [(f"--{name}", value) for name, value in asked.items() if value and name != "refused"]
    return [*flags, ("--refused", "")] if asked["refused"] == "true" else flags
