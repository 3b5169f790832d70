"""Settings of the registry as a whole that say who somebody is, or what a role means."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.errors import NotFound, RegistryError
from orlop.domain.settings import SettingKind
from orlop.faces.ui.exchange import Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.entries import Deed, EntryPages, Removal
from orlop.faces.ui.people.fields import SHAPES, Shape, shape_of
from orlop.faces.ui.people.forms import expected, rows_of
from orlop.services.identity.provider_tests import ProviderTested, ProviderTests
from orlop.services.management.all import Management
from orlop.services.settings.kept import Shown


class UnplacedSettingPages(EntryPages):
    """Of one kind. Secrets are never shown; where there is one, it says so.

    `tests`: of a kind that can be tried out.
    """

    def __init__(
        self, pages: Pages, management: Management, kind: SettingKind, tests: ProviderTests | None = None
    ) -> None:
        super().__init__(pages, management, f"/{kind.plural}")
        self._tests = tests
        self._settings = management.settings
        self._kind = kind

    def deeds(self) -> Mapping[str, Deed]:
        """See `EntryPages`."""
        return {"change": self.change, **({"test": self.test} if self._tests is not None else {})}

    async def all(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """See `EntryPages`."""
        page = await self._settings.page(exchange.caller, self._kind.kind, rows_of(exchange))
        shape = self._chosen(exchange)
        return self._list(
            exchange,
            "people/settings",
            page,
            refusal,
            kind=self._kind,
            changes=await self._may_change(exchange),
            shape=shape,
            shapes=SHAPES[self._kind.kind],
            name=exchange.field("name"),
            values=shape.sent(exchange.form) if refusal else _new(shape, exchange),
            secrets=shape.secrets({}),
        )

    async def add(self, exchange: UiExchange) -> Reply:
        """Make one that is not there yet."""
        name, body = exchange.field("name").strip(), self._chosen(exchange).read(exchange.form, {})
        await self._settings.put(exchange.caller, self._kind.kind, name, body, 0)
        return redirect(self.address(name))

    async def one(
        self, exchange: UiExchange, refusal: RegistryError | None = None, tested: ProviderTested | None = None
    ) -> Reply:
        """One of them, and the form that changes it."""
        shown = await self._settings.get(exchange.caller, self._kind.kind, exchange.params["name"])
        built_in = shown.name in self._kind.built_in
        shape = shape_of(self._kind.kind, shown.body)
        return self._pages.page(
            exchange,
            "people/setting",
            refusal=refusal,
            kind=self._kind,
            setting=shown,
            text=_text(shown),
            shape=shape,
            values=shape.sent(exchange.form) if refusal and _is_sent(exchange) else shape.values(shown.body),
            secrets=shape.secrets(shown.body),
            tells=shape.tells(shown.body),
            changes=not built_in and await self._may_change(exchange),
            built_in=built_in,
            tests=self._tests is not None,
            tested=tested,
        )

    async def test(self, exchange: UiExchange) -> Reply:
        """Try it out as it is kept."""
        assert self._tests is not None, "only kinds that can be tried out have this route"
        tested = await self._tests.test(exchange.caller, exchange.params["name"])
        return await self.one(exchange, tested=tested)

    async def change(self, exchange: UiExchange) -> None:
        """Make it what the form says; a secret of which the form says nothing stays."""
        name = exchange.params["name"]
        kept = (await self._settings.get(exchange.caller, self._kind.kind, name)).body
        body = shape_of(self._kind.kind, kept).read(exchange.form, kept)
        await self._settings.put(exchange.caller, self._kind.kind, name, body, expected(exchange))

    async def removal(self, exchange: UiExchange, name: str) -> Removal:
        """See `EntryPages`."""
        kind = self._kind.kind
        shown = await self._settings.get(exchange.caller, kind, name)
        await self._management.gate.check_setting(exchange.caller, self._kind.change, "")
        effects = [f"The {kind} {name} ends, and with it whatever it was good for."]
        return Removal(f"Remove the {kind} {name}", effects, shown.version, "Remove it")

    async def remove(self, exchange: UiExchange, name: str, version: int | None) -> None:
        """See `EntryPages`."""
        await self._settings.remove(exchange.caller, self._kind.kind, name, version)

    async def _may_change(self, exchange: UiExchange) -> bool:
        try:
            await self._management.gate.check_setting(exchange.caller, self._kind.change, "")
        except RegistryError:
            return False
        return True

    def _chosen(self, exchange: UiExchange) -> Shape:
        """The shape of a new one, as an address or a form says. Raises NotFound."""
        shapes = SHAPES[self._kind.kind]
        asked = exchange.field("as") or exchange.query.get("as", "") or shapes[0].tag
        found = next((shape for shape in shapes if shape.tag == asked), None)
        if found is None:
            raise NotFound(f"there are no such {self._kind.plural}")
        return found


def _is_sent(exchange: UiExchange) -> bool:
    """Whether what was sent is the form of all fields, and not that of a button."""
    return bool(exchange.field("fields"))


def _new(shape: Shape, exchange: UiExchange) -> dict[str, Any]:
    """What the form of a new one holds: the defaults, and of a trust this registry as whom tokens are made for."""
    values = shape.usual()
    return values | {"audience": exchange.host} if "audience" in values else values


def _text(shown: Shown) -> str:
    return msgspec.json.format(msgspec.json.encode(shown.body), indent=2).decode()
