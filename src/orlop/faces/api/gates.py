"""End points about what gates say: of one image, and of all that a place holds."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from orlop.domain.gates.gate import GateAt
from orlop.domain.names import RepositoryName, parse_reference
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, page_of
from orlop.faces.api.inside import Of, Repository
from orlop.services.gates.desk import DryRun, GateDesk, GatesExplained, GateWord, HeldImage
from orlop.services.management.operations import Operation

Path = Annotated[
    str,
    QueryParameter(name="path", max_length=255, description="The place of the gate; empty: the registry."),
]


class GateWordValue(msgspec.Struct, frozen=True):
    """What one gate says. `outcome`: passes, refuses, warns, waits (the image is not read yet) or off; `sentence`: why,
    also of a gate that is off; empty where it has nothing against the image."""

    gate: str
    path: str
    mode: str
    outcome: str
    sentence: str

    @classmethod
    def of(cls, one: GateWord) -> "GateWordValue":
        """As clients see it."""
        return cls(one.gate, one.path, one.mode.value, one.outcome, one.sentence)


class GateVerdictValue(msgspec.Struct, frozen=True):
    """What gates say of an image. `held`: whether one of them holds it back; `from_you`: also from whoever asks."""

    repository: str
    reference: str
    digest: str
    held: bool
    from_you: bool
    gates: list[GateWordValue]

    @classmethod
    def of(cls, found: GatesExplained) -> "GateVerdictValue":
        """As clients see it."""
        words = [GateWordValue.of(one) for one in found.gates]
        return cls(found.repository, str(found.reference), found.digest, found.held, found.from_caller, words)


class HeldImageValue(msgspec.Struct, frozen=True):
    """A tag that the gate would hold back; `waiting`: because the image is not read yet."""

    repository: str
    tag: str
    digest: str
    waiting: bool
    sentence: str

    @classmethod
    def of(cls, one: HeldImage) -> "HeldImageValue":
        """As clients see it."""
        return cls(one.repository, one.tag, one.digest, one.waiting, one.sentence)


class DryRunValue(msgspec.Struct, frozen=True):
    """What a gate would do today. `looked`: at how many tags; `last`: where to go on, empty: nowhere."""

    looked: int
    held: list[HeldImageValue]
    last: str

    @classmethod
    def of(cls, run: DryRun) -> "DryRunValue":
        """As clients see it."""
        return cls(run.looked, [HeldImageValue.of(one) for one in run.held], run.goes_on)


class GateTrialBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gate as it might be: what it is called, at which place, and what it would say. `n`: at how many tags one
    answer looks; `last`: where it goes on."""

    name: Annotated[str, Meta(max_length=63)]
    gate: dict[str, Any]
    path: Annotated[str, Meta(max_length=255)] = ""
    n: Annotated[int, Meta(ge=1, le=1_000)] = PAGE
    last: Annotated[str, Meta(max_length=512)] = ""


def gates(desk: GateDesk) -> list[HTTPRouteHandler]:
    """`/gate-verdicts`, `/gate-dry-runs/{name}` and `/gate-trials`."""

    @get("/gate-verdicts", operation_id="explainGates", tags=["gates"], operation=Operation.IMAGE_READ)
    async def explain_gates(
        request: ApiRequest,
        repository: Repository,
        reference: Of,
        on: Annotated[GateAt, QueryParameter(name="on", description="When it is looked at.")] = GateAt.PULL,
    ) -> GateVerdictValue:
        """What each gate of its place says of an image, from the root down."""
        found = await desk.explain(caller_of(request), RepositoryName(repository), parse_reference(reference), on)
        return GateVerdictValue.of(found)

    @get("/gate-dry-runs/{name:str}", operation_id="tryGate", tags=["gates"], operation=Operation.GATE_TRY)
    async def try_gate(
        request: ApiRequest,
        name: Annotated[str, PathParameter(max_length=64, description="The gate.")],
        path: Path = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> DryRunValue:
        """What a gate of a place would hold back today, whatever its mode, by repository and tag, as far as the caller
        may read what was found. `n`: at how many tags one answer looks."""
        return DryRunValue.of(await desk.dry_run(caller_of(request), path, name, page_of(n, last)))

    @post("/gate-trials", operation_id="tryGateBody", tags=["gates"], operation=Operation.GATE_TRY)
    async def try_gate_body(request: ApiRequest, data: JSONBody[GateTrialBody]) -> Response[DryRunValue]:
        """The same of a gate that is not kept: what it would hold back if it said this."""
        page = page_of(data.n, data.last)
        found = await desk.trial(caller_of(request), data.path, data.name, data.gate, page)
        return Response(DryRunValue.of(found), status_code=200)

    return [explain_gates, try_gate, try_gate_body]
