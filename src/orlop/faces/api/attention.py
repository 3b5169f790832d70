"""End points about what needs somebody, and about the settings that the server runs with."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from orlop.domain.attention import Concern, ConcernKind, Severity
from orlop.faces.api.exchange import ApiRequest, caller_of, whole
from orlop.faces.http.concerns import page_of
from orlop.services.attention.attention import Attention
from orlop.services.management.configuration import ConfigurationInForce, ValueInForce
from orlop.services.management.operations import Operation


class ConcernValue(msgspec.Struct, frozen=True):
    """Something that needs somebody, in a sentence. `place`: the namespace or repository that it is about, empty: the
    registry; `name`: what it is about there, or its number; `page`: where it is dealt with in a browser."""

    kind: ConcernKind
    severity: Severity
    text: str
    place: str
    name: str
    page: str

    @classmethod
    def of(cls, concern: Concern) -> "ConcernValue":
        """As clients see it."""
        return cls(concern.kind, concern.severity, concern.text, concern.place, concern.name, page_of(concern))


class ConfigurationValue(msgspec.Struct, frozen=True):
    """A setting as it is written in a file. `source`: the flag, the variable or the file that it came from, or
    `default`. Of a secret `value` says only whether there is one."""

    key: str
    value: str
    source: str
    meaning: str

    @classmethod
    def of(cls, value: ValueInForce) -> "ConfigurationValue":
        """As clients see it."""
        return cls(value.key, value.value, value.source, value.meaning)


def attention(desk: Attention, configuration: ConfigurationInForce) -> list[HTTPRouteHandler]:
    """`/attention` and `/configuration`."""

    @get("/attention", operation_id="listConcerns", tags=["operation"], operation=Operation.ATTENTION_READ)
    async def list_concerns(request: ApiRequest) -> list[ConcernValue]:
        """What needs the caller, the urgent first: quotas, secrets that expire, what fails, plans that wait. Of each
        kind 20 at most, and only what the caller may see."""
        return whole(await desk.of(caller_of(request)), ConcernValue.of)

    @get(
        "/configuration",
        operation_id="showConfiguration",
        tags=["operation"],
        operation=Operation.CONFIGURATION_READ,
    )
    async def show_configuration(request: ApiRequest) -> list[ConfigurationValue]:
        """Every setting that this server runs with, and where its value came from."""
        return whole(await configuration.all(caller_of(request)), ConfigurationValue.of)

    return [list_concerns, show_configuration]
