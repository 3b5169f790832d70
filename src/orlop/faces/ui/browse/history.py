"""What the tags of a repository pointed at, as a picture and as a list, and the way back."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.faces.ui.addresses import place_address
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange, number_of, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.ports.tag_history import TagChange
from orlop.services.desks import Desks

_ROWS = 50
#: How the detail of a change begins; what a person wrote comes behind that.
_PROMOTION = re.compile(r"(?:rollback of )?promotion ([0-9]+)(?: of |: )", re.ASCII)
#: Lanes of the picture, and its measures in its own units.
_LANES, _WIDE, _LEFT, _LANE = 5, 1000, 160, 36


class Dot(msgspec.Struct, frozen=True):
    """A change in the picture."""

    x: float
    y: int
    colour: str
    change: TagChange


class Picture(msgspec.Struct, frozen=True):
    """A lane for each tag that moved, time to the right."""

    lanes: tuple[tuple[str, int], ...]
    dots: tuple[Dot, ...]
    height: int
    since: int
    until: int


class HistoryTab:
    """See `PlaceTab`; of repositories alone."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._past = desks.past
        self._browsing = desks.browsing
        self._frames = frames

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/rollback", self.ask), Route("POST", "/rollback", self.roll_back))

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """Of all tags, or of the one that `tag` names."""
        frame = await self._frames.of(exchange, name)
        repository, chosen = RepositoryName(name), exchange.query.get("tag", "")
        asked = PageRequest(_ROWS, exchange.query.get("last", ""))
        if chosen:
            page = await self._past.page(exchange.caller, repository, Tag(chosen), asked)
            changes = tuple(msgspec.structs.replace(change, tag=chosen) for change in page.items)
        else:
            page = await self._past.everything(exchange.caller, repository, asked)
            changes = page.items
        more = ""
        if page.more:
            kept = {"tag": chosen} if chosen else {}
            more = f"{place_address(name, 'history')}?{urlencode(kept | {'last': str(changes[-1].number)})}"
        return self._pages.page(
            exchange,
            "browse/history",
            parts=("rows",),
            frame=frame,
            changes=changes,
            chosen=chosen,
            picture=drawn(changes) if changes else None,
            promotion_of=promotion_of,
            more=more,
        )

    async def ask(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """What going back would change, before anything is done."""
        said = exchange.form or exchange.query
        repository, tag, digest = (
            RepositoryName(said.get("repository", "")),
            Tag(said.get("tag", "")),
            Digest(said.get("digest", "")),
        )
        page = await self._past.page(exchange.caller, repository, tag, PageRequest(1))
        now = page.items[0].digest if page.items else None
        return self._pages.page(
            exchange, "browse/rollback", refusal=refusal, repository=repository, tag=tag, digest=digest, current=now
        )

    async def roll_back(self, exchange: UiExchange) -> Reply:
        """Do it, if the tag points at what was shown."""
        repository, tag = RepositoryName(exchange.field("repository")), Tag(exchange.field("tag"))
        digest, shown = Digest(exchange.field("digest")), exchange.field("current")
        try:
            expected = {tag: Digest(shown) if shown else None}
            await self._past.roll_back(exchange.caller, repository, tag, digest, expected)
        except RegistryError as refusal:
            return await self.ask(exchange, refusal)
        return redirect(f"{place_address(repository, 'history')}?{urlencode({'tag': tag})}")


def promotion_of(detail: str) -> int | None:
    """The number of the promotion that changed a tag, or whose rollback did, by what the change says of itself."""
    found = _PROMOTION.match(detail)
    return number_of(found[1]) if found else None


def drawn(changes: Sequence[TagChange]) -> Picture:
    """The picture of changes that are in order, the newest first."""
    names = list(dict.fromkeys(change.tag for change in changes))[:_LANES]
    shown = [change for change in changes if change.tag in names]
    since, until = shown[-1].at, shown[0].at
    span = max(until - since, 1)
    dots = (
        Dot(
            x=round(_LEFT + (change.at - since) / span * (_WIDE - _LEFT - 20), 1),
            y=names.index(change.tag) * _LANE + _LANE // 2,
            colour=_colour(change.digest),
            change=change,
        )
        for change in shown
    )
    lanes = tuple((name, number * _LANE + _LANE // 2) for number, name in enumerate(names))
    return Picture(lanes, tuple(dots), len(names) * _LANE, since, until)


def _colour(digest: Digest | None) -> str:
    """One of five, by the first digits: the same content has the same colour in every lane."""
    colours = ("one", "two", "three", "four", "five")
    return colours[int(digest.hex[:6], 16) % len(colours)] if digest else "plain"
