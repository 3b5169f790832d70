"""Pipelines as settings: the stages that images pass, in order, and what entering each takes."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.membership import is_principal
from orlop.domain.days import day_number
from orlop.domain.durations import DAY, span
from orlop.domain.errors import TagInvalid
from orlop.domain.names import REPOSITORY_MAX, RepositoryName, Tag, is_repository_name
from orlop.domain.schedules import Schedule
from orlop.domain.settings import Holds, SettingKind, nobody, place_words

Texts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=32)]

#: Approvals that a stage may take, and for how long a promotion waits for them at most.
_APPROVALS, _LONGEST = 20, 90 * DAY
#: Times of a schedule that are looked at for one that no freeze covers.
_TRIES = 1_000


class Stage(msgspec.Struct, frozen=True):
    """A namespace, by its path without a slash at the end; or with `tag` that tag of the repository of this name."""

    name: str
    path: str
    tag: Tag | None = None

    def holds(self, repository: str, tag: str) -> bool:
        """Whether an image of a repository that has a tag, or none, is in it."""
        if self.tag is not None:
            return (repository, tag) == (self.path, self.tag)
        return repository.startswith(f"{self.path}/")

    def target(self, source: "Stage", repository: RepositoryName, tag: Tag | None) -> tuple[str, Tag | None]:
        """What an image of another stage is called in this one: its repository, which may be too long for a name, and
        its tag."""
        if self.tag is not None:
            return self.path, self.tag
        within = repository.removeprefix(f"{source.path}/") if source.tag is None else repository.rpartition("/")[2]
        return f"{self.path}/{within}", tag

    @property
    def words(self) -> str:
        """As people type it."""
        return f"{self.path}:{self.tag}" if self.tag is not None else place_words(self.path)


class ByItself(msgspec.Struct, frozen=True):
    """A stage that images enter by themselves, and all that entering it takes."""

    source: Stage
    target: Stage
    takes: tuple[object, ...]


class Pipeline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The stages of a pipeline, the first of which is where images are pushed."""

    stages: Annotated[
        Texts,
        Meta(
            min_length=2,
            description="Stages in their order, each NAME=NAMESPACE/, as dev=team/dev/; or NAME=REPOSITORY:TAG, where a"
            " stage is a tag of a repository.",
        ),
    ]
    approvals: Annotated[
        Texts, Meta(description="How many people have to approve before an image enters a stage, as prod=2.")
    ] = ()
    approvers: Annotated[
        Texts,
        Meta(
            description="Who may approve for a stage, as prod=group:release: a user, a robot, group:NAME or role:NAME."
            " Without any for a stage: whoever may push there."
        ),
    ] = ()
    expires: Annotated[
        str, Meta(max_length=8, description="How long a promotion waits for approvals before it expires, as 7d.")
    ] = "7d"

    freeze: Annotated[
        Texts,
        Meta(
            description="Days on which nothing enters a stage, from the first to the last, UTC, as"
            " prod=2026-12-20/2027-01-03. What is promoted then waits until they are over."
        ),
    ] = ()
    schedule: Annotated[
        Texts,
        Meta(
            description="When images enter a stage, as cron says it: prod=0 9 * * 1-4. What is promoted waits until"
            " then."
        ),
    ] = ()
    automatic: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
        Meta(
            max_length=32,
            description="Stages that images enter by themselves from the stage before, once nothing holds them back. To"
            " set one takes the right to pull there, and to push to it.",
        ),
    ] = ()
    time_zone: Annotated[
        str, Meta(max_length=64, description="Whose clock schedule goes by, as in `Europe/Berlin`.")
    ] = "UTC"

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.parsed]
        if len(set(names)) < len(names):
            raise ValueError("stages: each has a name of its own")
        for one in self.parsed:
            for other in self.parsed:
                if one != other and one.tag is None and f"{other.path}/".startswith(f"{one.path}/"):
                    raise ValueError(f"stages: {other.words} lies in {one.words}; each has a place of its own")
        if len({(stage.path, stage.tag) for stage in self.parsed}) < len(names):
            raise ValueError("stages: two are the same place")
        for field in ("approvals", "approvers", "freeze", "schedule"):
            for text in getattr(self, field):
                name, equals, value = text.partition("=")
                if not equals or name not in names[1:]:
                    raise ValueError(f"{field}: {text!r} names none of the stages after the first, as prod=…")
                if field == "approvals" and not (value.isascii() and value.isdecimal() and int(value) <= _APPROVALS):
                    raise ValueError(f"approvals: {value!r} is no number up to {_APPROVALS}")
                if field == "approvers" and not is_principal(value):
                    raise ValueError(f"approvers: {value!r} is nobody: write a user, robot+NAME, group:NAME, role:NAME")
        for name in self.automatic:
            if name not in names[1:]:
                raise ValueError(f"automatic: {name!r} is none of the stages after the first")
        for _, first, last in self._frozen:
            if last < first:
                raise ValueError("freeze: the first day comes before the last")
        if self.time_zone != "UTC" and not self.schedule:
            raise ValueError("a time zone is that of schedule; there is none")
        for name in names:
            self._train(name)
        numbered = [text.partition("=")[0] for text in self.approvals]
        if len(set(numbered)) < len(numbered):
            raise ValueError("approvals: each stage is named once")
        for name in {text.partition("=")[0] for text in self.approvers}:
            if not self.needed(name):
                raise ValueError(f"approvers: {name} takes no approvals; say how many, as approvals {name}=1")
        if not 0 < span(self.expires) <= _LONGEST:
            raise ValueError("expires: at most 90d")

    @property
    def parsed(self) -> tuple[Stage, ...]:
        """The stages. Raises ValueError."""
        return tuple(_stage(text) for text in self.stages)

    def stage(self, name: str) -> Stage | None:
        """A stage by its name."""
        return next((stage for stage in self.parsed if stage.name == name), None)

    def source(self, repository: str, tag: str) -> Stage | None:
        """The stage that an image is in; the last, where it is in several."""
        return next((stage for stage in reversed(self.parsed) if stage.holds(repository, tag)), None)

    def comes_before(self, one: Stage, other: Stage) -> bool:
        """Whether images go from one stage to another."""
        stages = self.parsed
        return stages.index(one) < stages.index(other)

    def follows_by_itself(self, one: Stage) -> Stage | None:
        """The stage after another, if images enter it by themselves."""
        stages = self.parsed
        after = stages[stages.index(one) + 1 :][:1]
        return after[0] if after and after[0].name in self.automatic else None

    @property
    def by_itself(self) -> tuple[ByItself, ...]:
        """What images enter by themselves, in the order of stages."""
        found = ((one, self.follows_by_itself(one)) for one in self.parsed)
        return tuple(ByItself(one, after, self._takes(after.name)) for one, after in found if after is not None)

    def _takes(self, stage: str) -> tuple[object, ...]:
        """What entering a stage takes, to be compared."""
        named = [text for text in (*self.freeze, *self.schedule) if text.partition("=")[0] == stage]
        return self.needed(stage), frozenset(self.approvers_of(stage)), frozenset(named), self.time_zone

    def needed(self, stage: str) -> int:
        """How many approvals it takes to enter a stage."""
        return next((int(n) for name, _, n in (text.partition("=") for text in self.approvals) if name == stage), 0)

    def approvers_of(self, stage: str) -> tuple[str, ...]:
        """Who may approve for a stage; empty: whoever may push there."""
        return tuple(who for name, _, who in (text.partition("=") for text in self.approvers) if name == stage)

    def opens(self, stage: str, at: int) -> int:
        """The first time from `at` on when images enter a stage, in microseconds since 1970."""
        train, time = self._train(stage), at
        for _ in range(_TRIES):
            frozen = [last for name, first, last in self._frozen if name == stage and first <= time < last]
            if frozen:
                time = max(frozen)
                continue
            found = train.following(time - 1, 0) if train is not None else time
            if found == time:
                return time
            time = found
        return time

    @property
    def _frozen(self) -> tuple[tuple[str, int, int], ...]:
        """By stage, when a freeze begins and ends. Raises ValueError."""
        found = []
        for text in self.freeze:
            name, _, days = text.partition("=")
            first, _, last = days.partition("/")
            found.append((name, day_number(first) * DAY, (day_number(last or first) + 1) * DAY))
        return tuple(found)

    def _train(self, stage: str) -> Schedule | None:
        """When images enter a stage. Raises ValueError."""
        for text in self.schedule:
            name, _, cron = text.partition("=")
            if name == stage:
                return Schedule(cron=cron, time_zone=self.time_zone)
        return None

    @property
    def waits(self) -> int:
        """How long a promotion waits, in microseconds."""
        return span(self.expires)


def _stage(text: str) -> Stage:
    name, equals, where = text.partition("=")
    if not equals or not name.isascii() or not name.replace("-", "").isalnum() or name != name.lower():
        raise ValueError(f"stages: {text!r} is no stage: write NAME=NAMESPACE/, as dev=team/dev/")
    path, colon, tag = where.partition(":")
    if not colon and not path.endswith("/"):
        raise ValueError(f"stages: {where!r} is no namespace; a namespace ends with a slash, as {where}/")
    path = path if colon else path.removesuffix("/")
    if len(path) > REPOSITORY_MAX or not is_repository_name(path):
        raise ValueError(f"stages: {where!r} is no place below the registry, as team/dev/ or team/app:prod")
    try:
        return Stage(name, path, Tag(tag) if colon else None)
    except TagInvalid as error:
        raise ValueError(f"stages: {tag!r} is no tag") from error


def _check_among(path: str, pipeline: Pipeline, others: Sequence[tuple[str, Pipeline]]) -> None:
    """Raises ValueError for stages outside of the place of a pipeline: whoever rules one place rules no other."""
    for stage in pipeline.parsed:
        if path and not f"{stage.path}/".startswith(f"{path}/"):
            raise ValueError(f"stages: {stage.words} does not lie in {place_words(path)}, where the pipeline is set")


#: What a pipeline does by itself where images come from, and where they go.
_TAKES = frozenset({Action.LIST, Action.PULL})
_PUTS = frozenset({Action.CREATE, Action.PUSH_NEW, Action.TAG, Action.OVERWRITE})


def _lends(before: Pipeline | None, after: Pipeline) -> Mapping[str, frozenset[Action]]:
    """Whoever sets one has images enter stages without anybody's rights, on conditions that it names."""
    known = before.by_itself if before is not None else ()
    lent: dict[str, frozenset[Action]] = {}
    for one in after.by_itself:
        if one not in known:
            lent[one.source.path] = lent.get(one.source.path, frozenset()) | _TAKES
            lent[one.target.path] = lent.get(one.target.path, frozenset()) | _PUTS
    return lent


#: Pipelines as settings. One gives nobody a right: a promotion takes the right to pull its source and push its target,
#: which whoever has it done by itself needs to have.
PIPELINES = SettingKind(
    kind="pipeline",
    plural="pipelines",
    text="Pipelines: the stages that images pass, and what entering each takes.",
    body=Pipeline,
    speaks_for=nobody,
    among=_check_among,
    lends=_lends,
    lending="promotes by itself",
    holds=Holds.ALL,
    read=Action.PULL,
    most=50,
)
