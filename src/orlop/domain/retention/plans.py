"""A plan of retention as it is kept: what it was made of, what it would delete, how far it was applied."""

from enum import StrEnum

import msgspec

from orlop.domain.counts import counted
from orlop.domain.errors import Conflict


class PlanState(StrEnum):
    """Where a plan stands."""

    PLANNING = "planning"
    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"


class RuleVersion(msgspec.Struct, frozen=True):
    """A rule by which a plan was made."""

    path: str
    name: str
    version: int


class PlanFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan says in sum.

    `bytes`: what nothing else holds, and is free once all of it is deleted and collected; `shared`: blobs that go from
    their repositories and stay, for others hold them.
    """

    rules: tuple[RuleVersion, ...] = ()
    brake: int = 0
    repositories: int = 0
    tags: int = 0
    manifests: int = 0
    deleted_tags: int = 0
    deleted_manifests: int = 0
    bytes: int = 0
    shared: int = 0

    @property
    def is_over_brake(self) -> bool:
        """Whether it deletes more than a share of all tags, or of all manifests."""
        return any(
            deleted * 100 > self.brake * there
            for deleted, there in ((self.deleted_tags, self.tags), (self.deleted_manifests, self.manifests))
        )


class RetentionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan for a place: a node of the tree with all below it. `done` and `skipped` count its items."""

    id: int
    path: str
    asked_by: str
    asked_at: int
    state: PlanState = PlanState.PLANNING
    figures: PlanFigures = PlanFigures()
    job: int = 0
    applied_by: str = ""
    applied_at: int = 0
    ended_at: int = 0
    done: int = 0
    skipped: int = 0

    def check_applicable(self, *, over_brake: bool) -> None:
        """Raises Conflict where it is not to be applied."""
        if self.state is PlanState.PLANNING:
            raise Conflict(f"plan {self.id} is still being made; see orlop retention plan {self.id}", {"plan": self.id})
        if self.state is PlanState.APPLIED:
            raise Conflict(f"plan {self.id} was applied already; make a new one", {"plan": self.id})
        figures = self.figures
        if figures.is_over_brake and not over_brake:
            raise Conflict(
                f"plan {self.id} deletes {figures.deleted_tags} of {counted(figures.tags, 'tag')} and"
                f" {figures.deleted_manifests} of {counted(figures.manifests, 'manifest')}, more than the brake of"
                f" {figures.brake} % allows: look at it, and confirm it with --over-brake",
                {"plan": self.id, "brake": figures.brake},
            )
