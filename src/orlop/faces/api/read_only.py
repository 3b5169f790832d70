"""The end point about read-only mode. Switches are settings, as any."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from orlop.domain.read_only import READ_ONLY, ReadOnlyStanding
from orlop.faces.api.exchange import PREFIX, ApiRequest, caller_of
from orlop.services.management.operations import Operation
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.read_only.operations import goes_on

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SWITCHES = f"{PREFIX}/{READ_ONLY.plural}/"


class ReadOnlyValue(msgspec.Struct, frozen=True):
    """Whether the registry takes no writes, and why, in a sentence. `by_store`: nobody switched it on, and a store
    takes none. `until`: when it ends by itself; empty: nobody knows."""

    read_only: bool
    sentence: str = ""
    reason: str = ""
    until: str = ""
    by_store: bool = False

    @classmethod
    def of(cls, standing: ReadOnlyStanding | None) -> "ReadOnlyValue":
        """As clients see it."""
        if standing is None:
            return cls(read_only=False)
        return cls(True, standing.sentence, standing.reason, standing.until, standing.by_store)


def read_only(desk: ReadOnlyDesk) -> list[HTTPRouteHandler]:
    """`/read-only`."""

    @get("/read-only", operation_id="tellReadOnly", tags=["operation"], operation=Operation.READ_ONLY_READ)
    async def show_read_only(request: ApiRequest) -> ReadOnlyValue:
        """Whether the registry takes writes now, and why not."""
        return ReadOnlyValue.of(await desk.standing(caller_of(request)))

    return [show_read_only]


def refuses_writes(desk: ReadOnlyDesk) -> Any:
    """The guard of every route: a change is refused while the registry is read-only, but for switches themselves, and
    what goes on. Raises RegistryReadOnly."""

    async def check(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        assert isinstance(connection, Request)
        scope = connection.scope
        if connection.method in _SAFE or scope["path"].startswith(_SWITCHES):
            return
        if not goes_on(Operation(handler.opt["operation"])):
            await desk.mode.check()

    return check
