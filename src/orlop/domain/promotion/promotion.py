"""A promotion: which digests go where, who asked, who agreed, and how it ended."""

from enum import IntEnum

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict
from orlop.domain.names import RepositoryName, Tag


class PromotionState(IntEnum):
    """How far it is. One that ended stays as it is, but for a rollback of what was done."""

    WAITING = 0
    DONE = 1
    REFUSED = 2
    EXPIRED = 3
    ROLLED_BACK = 4

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower().replace("_", " ")


class PromotedImage(msgspec.Struct, frozen=True):
    """An image by the digest that was shown, where it comes from and where it goes. `tag`: as it is asked for, None by
    its digest; `target_tag` None: it gets none. `previous`: what that pointed at before, empty: nothing, or it was not
    moved."""

    repository: RepositoryName
    tag: Tag | None
    digest: Digest
    target: RepositoryName
    target_tag: Tag | None
    previous: str = ""
    moved: bool = False


class GatePassed(msgspec.Struct, frozen=True):
    """What a gate of the target said when an image was promoted. `mode`: enforce or warn; `why` it warned, as half a
    sentence; empty: it had nothing against the image."""

    gate: str
    path: str
    mode: str
    why: str = ""


def moved_on(image: PromotedImage) -> Conflict:
    """What is refused because the tag of an image points at another by now."""
    return Conflict(f"{image.repository}:{image.tag} does not point at it any more", {"tag": image.tag})


class Approval(msgspec.Struct, frozen=True):
    """Somebody agreed. `account`: the row of their account, which nobody has after them."""

    account: int
    name: str
    at: int


def pipeline_actor(pipeline: str) -> str:
    """Who does what a pipeline does by itself: no account is called so."""
    return f"pipeline:{pipeline}"


class NewPromotion(msgspec.Struct, frozen=True, kw_only=True):
    """One that is asked for. `path` and `pipeline`: the place and name of the pipeline; `asked_id`: the account that
    asks, or put there what nobody asked for; `needed`: how many approvals it takes; `expires_at` in microseconds since
    1970."""

    path: str
    pipeline: str
    source: str
    stage: str
    images: tuple[PromotedImage, ...]
    bundle: str = ""
    asked_id: int = 0
    needed: int = 0
    expires_at: int = 0
    due_at: int = 0
    """When its stage opens for it; 0: it is open, or approvals come first."""
    automatic: bool = False
    """Whether nobody asked for it: its pipeline takes images to the stage by itself."""


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """One that is kept. `asked_id`: whose word does not count as an approval: the account that asked, or put there what
    nobody asked for; `why`: it was refused, or rolled back; or what holds back one that waits and is automatic.
    `approvals` by time."""

    id: int
    path: str
    pipeline: str
    source: str
    stage: str
    bundle: str
    state: PromotionState
    asked_by: str
    asked_id: int
    asked_at: int
    needed: int
    expires_at: int
    ended_at: int
    ended_by: str
    why: str
    due_at: int
    automatic: bool = False
    images: tuple[PromotedImage, ...] = ()
    approvals: tuple[Approval, ...] = ()

    @property
    def by_tag(self) -> bool:
        """Whether nobody asked for it or agrees to it, so that it is promoted for as long as its tags point at it."""
        return self.automatic and not self.needed

    def is_of(self, account: int) -> bool:
        """Whether an account asked for it."""
        return bool(account) and account == self.asked_id and not self.automatic
