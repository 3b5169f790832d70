"""End points about promotions: asked for, approved, refused, rolled back, and told of."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName, parse_held
from orlop.domain.promotion.promotion import PromotedImage, Promotion, PromotionState
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.ports.promotion import PromotionOutcome
from orlop.services.management.operations import Operation
from orlop.services.promotion.bundles import IMAGES, Wanted
from orlop.services.promotion.desk import PromotionDesk

T = TypeVar("T")

Number = Annotated[int, PathParameter(ge=1, description="Its number.")]


class PromotionWord(StrEnum):
    """How far a promotion is."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    ROLLED_BACK = "rolled-back"


class PromotedImageValue(msgspec.Struct, frozen=True):
    """An image of a promotion: what was asked for, its digest at that time, and what it is called in the target; a tag
    is null where the image is meant by its digest alone. `moved`: the target's tag points at it since then; `previous`:
    and before at this, null: at nothing."""

    repository: str
    tag: str | None
    digest: str
    target: str
    target_tag: str | None
    moved: bool
    previous: str | None

    @classmethod
    def of(cls, image: PromotedImage) -> "PromotedImageValue":
        """As clients see it."""
        return cls(
            image.repository,
            image.tag,
            image.digest,
            image.target,
            image.target_tag,
            image.moved,
            image.previous or None,
        )


class ApprovalValue(msgspec.Struct, frozen=True):
    """Somebody agreed."""

    by: str
    at: values.Time


class PromotionValue(msgspec.Struct, frozen=True):
    """A promotion. `automatic`: nobody asked for it, its pipeline takes images to the stage by itself; `needed`: how
    many approvals it takes; `due_at`: when its stage opens for it, or it is tried again; `why`: it was refused or
    rolled back, or what holds back an automatic one that waits."""

    id: int
    pipeline: str
    path: str
    source: str
    stage: str
    bundle: str | None
    state: PromotionWord
    asked_by: str
    asked_at: values.Time
    needed: int
    due_at: values.Time
    expires_at: values.Time
    ended_at: values.Time
    ended_by: str | None
    why: str | None
    automatic: bool
    images: list[PromotedImageValue]
    approvals: list[ApprovalValue]

    @classmethod
    def of(cls, one: Promotion) -> "PromotionValue":
        """As clients see it."""
        return cls(
            id=one.id,
            pipeline=one.pipeline,
            path=one.path,
            source=one.source,
            stage=one.stage,
            bundle=one.bundle or None,
            state=PromotionWord[one.state.name],
            asked_by=one.asked_by,
            asked_at=values.time(one.asked_at),
            needed=one.needed,
            due_at=values.time(one.due_at),
            expires_at=values.time(one.expires_at),
            ended_at=values.time(one.ended_at),
            ended_by=one.ended_by or None,
            why=one.why or None,
            automatic=one.automatic,
            images=[PromotedImageValue.of(image) for image in one.images],
            approvals=[ApprovalValue(each.name, values.time(each.at)) for each in one.approvals],
        )


class PromotionOutcomeValue(msgspec.Struct, frozen=True):
    """What became of it. `promotion` null: everything was there already; `manifests` and `blobs`: how many of each the
    target did not hold before."""

    promotion: PromotionValue | None
    manifests: int
    blobs: int

    @classmethod
    def of(cls, outcome: PromotionOutcome) -> "PromotionOutcomeValue":
        """As clients see it."""
        made = PromotionValue.of(outcome.promotion) if outcome.promotion is not None else None
        return cls(made, outcome.manifests, outcome.blobs)


class NewPromotionValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Images, each `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, or those of a bundle, that are promoted as one or not at
    all. `pipeline`: its name, where they are in several; `bundle_path`: the place of the bundle, where there are
    several of that name."""

    stage: values.Name
    images: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...],
        msgspec.Meta(max_length=IMAGES),
    ] = ()
    pipeline: values.Text = ""
    bundle: values.Text = ""
    bundle_path: values.Text | None = None

    def asked(
        self,
        caller: Caller,
        of_images: Callable[[Caller, Wanted, str, str], Awaitable[T]],
        of_bundle: Callable[[Caller, str, str, str, str | None], Awaitable[T]],
    ) -> Awaitable[T]:
        """What services answer for the one or the other. Raises RequestInvalid."""
        if not self.bundle:
            return of_images(caller, [parse_held(text) for text in self.images], self.stage, self.pipeline)
        if self.images:
            raise RequestInvalid("promote images, or a bundle of them")
        return of_bundle(caller, self.bundle, self.stage, self.pipeline, self.bundle_path)


class WaitingTrialValue(msgspec.Struct, frozen=True):
    """What a promotion that waits would be refused with now; null: with nothing."""

    refusal: str | None


class RefusedPromotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a promotion is refused."""

    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=512)]


class RollbackOfPromotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A repository that something was promoted into, and why it goes back."""

    repository: values.Name
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=512)]


def promotions(desk: PromotionDesk) -> list[HTTPRouteHandler]:
    """`/promotions`, `/promotions/{number}` with its trial, approvals and refusal, and `/promotion-rollbacks`."""

    @get("/promotions", operation_id="listPromotions", tags=["promotion"], operation=Operation.PROMOTION_READ)
    async def list_promotions(
        request: ApiRequest,
        stands: Annotated[
            PromotionWord | None, QueryParameter(name="state", description="Only those that stand there.")
        ] = None,
        image: Annotated[
            str,
            QueryParameter(
                name="image",
                max_length=512,
                description="Only those of the digest of this image, `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, wherever"
                " it went.",
            ),
        ] = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[PromotionValue]]:
        """The promotions into places from which the caller may pull, and their own; the newest first."""
        state = PromotionState[stands.name] if stands else None
        of = parse_held(image) if image else None
        page = await desk.page(caller_of(request), page_of(n, last), state, of)
        return listed(request, page, PromotionValue.of, lambda one: str(one.id), n)

    @post("/promotions", operation_id="promote", tags=["promotion"], status_code=200, operation=Operation.PROMOTION_ASK)
    async def promote(request: ApiRequest, data: JSONBody[NewPromotionValue]) -> PromotionOutcomeValue:
        """Promote images to a stage of their pipeline: at once, or once it is approved. They are meant by the digests
        that they have now, and go with all that refers to them. What is refused leaves nothing behind."""
        asked = data.asked(caller_of(request), desk.promote, desk.promote_bundle)
        return PromotionOutcomeValue.of(await asked)

    @get(
        "/promotions/{number:int}", operation_id="showPromotion", tags=["promotion"], operation=Operation.PROMOTION_READ
    )
    async def show_promotion(request: ApiRequest, number: Number) -> PromotionValue:
        """A promotion."""
        return PromotionValue.of(await desk.get(caller_of(request), number))

    @get(
        "/promotions/{number:int}/trial",
        operation_id="tryWaitingPromotion",
        tags=["promotion"],
        operation=Operation.PROMOTION_DECIDE,
    )
    async def try_waiting_promotion(request: ApiRequest, number: Number) -> WaitingTrialValue:
        """What a promotion that waits would be refused with now, by the rights of its author. Nothing is written. For
        its author, and for whoever may decide."""
        return WaitingTrialValue(await desk.trial(caller_of(request), number) or None)

    @post(
        "/promotions/{number:int}/approvals",
        operation_id="approvePromotion",
        tags=["promotion"],
        status_code=200,
        operation=Operation.PROMOTION_DECIDE,
    )
    async def approve_promotion(request: ApiRequest, number: Number) -> PromotionOutcomeValue:
        """Approve a promotion: the digests that it shows. With the last approval it is carried out, by the rights of
        its author; where that is refused the approval stands, and to approve again tries again."""
        return PromotionOutcomeValue.of(await desk.approve(caller_of(request), number))

    @post(
        "/promotions/{number:int}/refusal",
        operation_id="refusePromotion",
        tags=["promotion"],
        status_code=200,
        operation=Operation.PROMOTION_DECIDE,
    )
    async def refuse_promotion(request: ApiRequest, number: Number, data: JSONBody[RefusedPromotion]) -> PromotionValue:
        """Refuse a promotion that waits, or take back one's own."""
        return PromotionValue.of(await desk.refuse(caller_of(request), number, data.reason))

    @post(
        "/promotion-rollbacks",
        operation_id="rollBackPromotion",
        tags=["promotion"],
        status_code=200,
        operation=Operation.PROMOTION_ROLL_BACK,
    )
    async def roll_back_promotion(request: ApiRequest, data: JSONBody[RollbackOfPromotion]) -> PromotionValue:
        """Undo the last promotion into a repository. Tags that it moved point at what they were; where it moved none,
        those that it set are removed. What was promoted as one goes back as one."""
        caller = caller_of(request)
        return PromotionValue.of(await desk.roll_back(caller, RepositoryName(data.repository), data.reason))

    return [
        list_promotions,
        promote,
        show_promotion,
        try_waiting_promotion,
        approve_promotion,
        refuse_promotion,
        roll_back_promotion,
    ]
