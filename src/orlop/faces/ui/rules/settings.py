"""The pages of settings, the same for every kind: which there are, what one says, and the form that changes it."""

from collections.abc import Mapping
from typing import Any, Protocol

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
from orlop.faces.ui.rules.forms import body_from, form_of, typed_of
from orlop.services.gates.desk import DryRun
from orlop.services.settings.kept import Holding, KeptSettings, Shown

#: How many of each kind stand on the page of all kinds, and on a page of one.
_FEW, _MANY = 20, 50
#: At how many things one answer looks where a setting is tried.
TRIED = 200

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


class Tried(Protocol):
    """Says what a setting would do that is not kept."""

    async def __call__(
        self, caller: Caller, path: str, name: str, body: dict[str, Any], page: PageRequest, /
    ) -> DryRun: ...


class RulePages:
    """Whoever may see a setting sees it here, and whoever may change it has the form. `tries`: of kinds that can be
    tried before they are saved, who does that."""

    def __init__(self, pages: Pages, settings: KeptSettings, tries: Mapping[str, Tried] | None = None) -> None:
        self._pages = pages
        self._settings = settings
        self._tries = tries or {}

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
        return self._form(exchange, kind, name=name, path=path)

    async def make(self, exchange: UiExchange) -> Reply:
        """Make one, which must not be there; or say what it would do."""
        kind, name = _kind(exchange), exchange.field("name").strip()
        path = path_of(exchange.field("path"))
        if self._is_tried(exchange, kind):
            trial = await self._trial(exchange, kind, path, name or "new", {})
            return self._form(exchange, kind, name=name, path=path, **trial)
        try:
            made = await self._settings.put(exchange.caller, kind.kind, name, _sent(exchange, kind), 0, path)
        except RegistryError as refusal:
            return self._form(exchange, kind, name=name, path=path, refusal=refusal)
        return redirect(settings_address(kind.plural, made.name, path=made.path))

    async def show(self, exchange: UiExchange) -> Reply:
        """What one says, and the form that changes it."""
        kind = _kind(exchange)
        found = await self._found(exchange, kind, exchange.query.get("path", ""))
        return await self._one(exchange, kind, found)

    async def change(self, exchange: UiExchange) -> Reply:
        """Replace one, as it was when the form was made; or say what it would do then."""
        kind, path = _kind(exchange), path_of(exchange.field("path"))
        found = await self._found(exchange, kind, path)
        if self._is_tried(exchange, kind):
            trial = await self._trial(exchange, kind, path, found.name, found.body)
            return await self._one(exchange, kind, found, **trial)
        try:
            body = _sent(exchange, kind, found.body)
            made = await self._settings.put(exchange.caller, kind.kind, found.name, body, _version(exchange), path)
        except RegistryError as refusal:
            found = await self._found(exchange, kind, path)
            return await self._one(exchange, kind, found, refusal=refusal)
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

    def _is_tried(self, exchange: UiExchange, kind: SettingKind) -> bool:
        return kind.kind in self._tries and "try" in exchange.form

    async def _trial(
        self, exchange: UiExchange, kind: SettingKind, path: str, name: str, kept: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What it would do with what was sent, from where the last answer ended. A refusal stands in the part of the
        page that a script puts in, which has no status of its own."""
        body = _sent(exchange, kind, kept)
        try:
            page = PageRequest(TRIED, exchange.field("try"))
            return {"trial": await self._tries[kind.kind](exchange.caller, path, name, body, page)}
        except RegistryError as refusal:
            return {"problem": refusal.message} if "part" in exchange.query else {"refusal": refusal}

    async def _one(
        self,
        exchange: UiExchange,
        kind: SettingKind,
        found: Shown,
        *,
        refusal: RegistryError | None = None,
        **tried: Any,
    ) -> Reply:
        return self._pages.page(
            exchange,
            "rules/one",
            refusal=refusal,
            parts=("trial", "further"),
            kind=kind,
            rule=_shown(kind, found),
            kept=text_of(found.body),
            built_in=found.name in kind.built_in,
            may_change=await self._settings.may_change(exchange.caller, kind.kind, found.path),
            **_of(found),
            **self._typed(exchange, kind, found.body),
            **{"trial": None, "problem": "", **tried},
        )

    def _form(
        self,
        exchange: UiExchange,
        kind: SettingKind,
        *,
        name: str,
        path: str,
        refusal: RegistryError | None = None,
        **tried: Any,
    ) -> Reply:
        return self._pages.page(
            exchange,
            "rules/new",
            refusal=refusal,
            parts=("trial", "further"),
            kind=kind,
            name=name,
            path=path,
            version=0,
            **self._typed(exchange, kind, {}),
            **{"trial": None, "problem": "", **tried},
        )

    def _typed(self, exchange: UiExchange, kind: SettingKind, kept: Mapping[str, Any]) -> dict[str, Any]:
        """What stands in the form: what was sent, else what is kept."""
        form = form_of(kind.kind)
        text = exchange.field("body") if exchange.method == "POST" else text_of(kept)
        body = body_from(kind.kind, exchange.form, kept) if form and exchange.method == "POST" else kept
        return {
            "fields": fields_of(kind.kind),
            "form": form,
            "sent": exchange.form,
            "text": text,
            "there": typed_of(kind.kind, kept) if form else {},
            "typed": typed_of(kind.kind, body) if form else {},
            "can_try": kind.kind in self._tries,
        }


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


def _sent(exchange: UiExchange, kind: SettingKind, kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body that a form sent: its fields, or text. Raises RequestInvalid."""
    return body_from(kind.kind, exchange.form, kept) if form_of(kind.kind) else body_of(exchange.field("body"))


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
