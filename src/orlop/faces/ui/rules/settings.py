"""The pages of settings, the same for every kind: which there are, what one says, and the form that changes it."""

from typing import Any

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import Denied, NotFound, RegistryError
from orlop.domain.house_rules import sentences
from orlop.domain.kinds import KINDS
from orlop.domain.pages import PageRequest
from orlop.domain.settings import SettingKind, place_words
from orlop.faces.ui.account import number
from orlop.faces.ui.addresses import settings_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.rules.bodies import body_of, fields_of, line_of, text_of
from orlop.services.settings.kept import Holding, KeptSettings, Shown

#: How many of each kind stand on the page of all kinds, and on a page of one.
_FEW, _MANY = 20, 50

#: Kinds of rules, in the order of the page. What says who may do what stands with the people.
_RULES = tuple(kind for kind in KINDS.values() if not kind.rights)
_BY_PLURAL = {kind.plural: kind for kind in _RULES}


class ShownRule(msgspec.Struct, frozen=True):
    """A setting in a list. `said`: what it says, in sentences or in a line; `holds` as in `Holding`."""

    name: str
    place: str
    address: str
    said: tuple[str, ...]
    changed_at: int
    changed_by: str
    holds: bool = True


class ShownKind(msgspec.Struct, frozen=True):
    """A kind with those of it that are shown. `address` is where all of it are."""

    kind: SettingKind
    address: str
    rules: tuple[ShownRule, ...]
    more: bool = False


class RulePages:
    """Whoever may see a setting sees it here, and whoever may change it has the form."""

    def __init__(self, pages: Pages, settings: KeptSettings) -> None:
        self._pages = pages
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/rules", self.overview),
            Route("GET", "/rules/{plural}", self.kind),
            Route("GET", "/rules/{plural}/-/new", self.new),
            Route("POST", "/rules/{plural}/-/new", self.make),
            Route("GET", "/rules/{plural}/{name}", self.show),
            Route("POST", "/rules/{plural}/{name}", self.change),
            Route("POST", "/rules/{plural}/{name}/remove", self.remove),
        )

    async def overview(self, exchange: UiExchange) -> Reply:
        """Every kind: a few of each, or what covers a place."""
        typed = exchange.query.get("path", "").strip()
        if typed:
            place = path_of(typed)
            kinds = await rules_of(self._settings, exchange.caller, place)
        else:
            place, kinds = None, await self._everywhere(exchange.caller)
        return self._pages.page(exchange, "rules/overview", kinds=kinds, place=place)

    async def _everywhere(self, caller: Caller) -> list[ShownKind]:
        found = []
        for kind in _RULES:
            try:
                page = await self._settings.page(caller, kind.kind, PageRequest(_FEW))
            except Denied:  # of the registry as a whole, and not for them to see
                continue
            rules = tuple(_shown(kind, each) for each in page.items)
            found.append(ShownKind(kind, f"/rules/{kind.plural}", rules, page.more))
        return found

    async def kind(self, exchange: UiExchange) -> Reply:
        """Those of one kind, page by page; of one place, if the address says so."""
        kind = _kind(exchange)
        typed = exchange.query.get("path", "").strip()
        path = path_of(typed) if typed else None
        page = await self._settings.page(
            exchange.caller, kind.kind, PageRequest(_MANY, exchange.query.get("last", "")), path
        )
        last = f"{page.items[-1].path}:{page.items[-1].name}" if page.more else ""
        return self._pages.page(
            exchange,
            "rules/kind",
            parts=("rows",),
            kind=kind,
            place=path,
            rules=[_shown(kind, each) for each in page.items],
            more=settings_address(kind.plural, "", path=typed, last=last) if last else "",
            may_change=await self._settings.may_change(exchange.caller, kind.kind, path or ""),
        )

    async def new(self, exchange: UiExchange) -> Reply:
        """The empty form."""
        kind = _kind(exchange)
        path = path_of(exchange.query.get("path", ""))
        if path or not kind.placed:  # else the form asks for the place
            await self._settings.check_change(exchange.caller, kind.kind, path)
        name = exchange.query.get("name", "")
        return self._form(exchange, kind, name=name, path=path, text="", version=0)

    async def make(self, exchange: UiExchange) -> Reply:
        """Make one; it must not be there."""
        kind, name = _kind(exchange), exchange.field("name").strip()
        typed, text = exchange.field("path"), exchange.field("body")
        try:
            path = path_of(typed)
            made = await self._settings.put(exchange.caller, kind.kind, name, body_of(text), 0, path)
        except RegistryError as refusal:
            return self._form(exchange, kind, name=name, path=path_of(typed), text=text, version=0, refusal=refusal)
        return redirect(settings_address(kind.plural, made.name, path=made.path))

    async def show(self, exchange: UiExchange) -> Reply:
        """What one says, and the form that changes it."""
        kind = _kind(exchange)
        found = await self._found(exchange, kind, exchange.query.get("path", ""))
        return await self._one(exchange, kind, found, text_of(found.body))

    async def change(self, exchange: UiExchange) -> Reply:
        """Replace one, as it was when the form was made."""
        kind, path = _kind(exchange), path_of(exchange.field("path"))
        text = exchange.field("body")
        try:
            made = await self._settings.put(
                exchange.caller, kind.kind, exchange.params["name"], body_of(text), _version(exchange), path
            )
        except RegistryError as refusal:
            found = await self._found(exchange, kind, path)
            return await self._one(exchange, kind, found, text, refusal)
        return redirect(settings_address(kind.plural, made.name, path=made.path))

    async def remove(self, exchange: UiExchange) -> Reply:
        """Ask, and then remove one as it was when that was asked."""
        kind, path = _kind(exchange), path_of(exchange.field("path"))
        found = await self._found(exchange, kind, path)
        await self._settings.check_change(exchange.caller, kind.kind, path)
        refusal = None
        if exchange.field("confirmed"):
            try:
                await self._settings.remove(exchange.caller, kind.kind, found.name, _version(exchange), path)
                return redirect(f"/rules/{kind.plural}")
            except RegistryError as error:
                refusal = error
        rule = _shown(kind, found)
        return self._pages.page(exchange, "rules/remove", refusal=refusal, kind=kind, rule=rule, **_of(found))

    async def _found(self, exchange: UiExchange, kind: SettingKind, typed: str) -> Shown:
        return await self._settings.get(exchange.caller, kind.kind, exchange.params["name"], path_of(typed))

    async def _one(
        self, exchange: UiExchange, kind: SettingKind, found: Shown, text: str, refusal: RegistryError | None = None
    ) -> Reply:
        return self._pages.page(
            exchange,
            "rules/one",
            refusal=refusal,
            kind=kind,
            rule=_shown(kind, found),
            text=text,
            kept=text_of(found.body),
            fields=fields_of(kind.kind),
            built_in=found.name in kind.built_in,
            may_change=await self._settings.may_change(exchange.caller, kind.kind, found.path),
            **_of(found),
        )

    def _form(
        self,
        exchange: UiExchange,
        kind: SettingKind,
        *,
        name: str,
        path: str,
        text: str,
        version: int,
        refusal: RegistryError | None = None,
    ) -> Reply:
        return self._pages.page(
            exchange,
            "rules/new",
            refusal=refusal,
            kind=kind,
            name=name,
            path=path,
            text=text,
            version=version,
            fields=fields_of(kind.kind),
        )


async def rules_of(settings: KeptSettings, caller: Caller, path: str) -> list[ShownKind]:
    """What covers a place, of every kind that has a place."""
    return [
        ShownKind(
            kind,
            settings_address(kind.plural, "", path=place_words(path)),
            tuple(_held(kind, each) for each in await settings.holding(caller, kind.kind, path)),
        )
        for kind in _RULES
        if kind.placed
    ]


def path_of(typed: str) -> str:
    """The path of a place as people type it: `team/`, `team/app`, `/` for the registry."""
    return typed.strip().strip("/")


def _kind(exchange: UiExchange) -> SettingKind:
    """Raises NotFound."""
    kind = _BY_PLURAL.get(exchange.params["plural"])
    if kind is None:
        raise NotFound("there are no such rules")
    return kind


def _version(exchange: UiExchange) -> int:
    return number(exchange.field("version"))


def _held(kind: SettingKind, held: Holding) -> ShownRule:
    return msgspec.structs.replace(_shown(kind, held.shown), holds=held.holds)


def _shown(kind: SettingKind, shown: Shown) -> ShownRule:
    said = sentences(kind, shown.name, shown.path, shown.body) or (line_of(shown.body),)
    return ShownRule(
        shown.name,
        place_words(shown.path),
        settings_address(kind.plural, shown.name, path=shown.path),
        said,
        shown.changed_at,
        shown.changed_by,
    )


def _of(found: Shown) -> dict[str, Any]:
    return {"path": found.path, "version": found.version}
