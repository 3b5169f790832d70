"""Who there is and who may do what as documents that people write; and the plan that makes a registry what they say.

No secret is part of a document: passwords, tokens and secrets of robots are made where they are used.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from orlop.domain.access import Conditions, Effect, Place, PlaceKind, Visibility
from orlop.domain.access.subjects import group_principal
from orlop.domain.errors import RequestInvalid
from orlop.domain.fields import nearest, refuse_unknown
from orlop.domain.kinds import KINDS as SETTINGS
from orlop.domain.labels import LabelChange
from orlop.domain.settings import place_words

Name = Annotated[str, Meta(min_length=1, max_length=255)]


class _Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all have in common. `FIXED` names the fields that cannot be changed once it is there."""

    FIXED: ClassVar[frozenset[str]] = frozenset()

    @property
    def key(self) -> str:
        """What names it among those of its kind."""
        return str(self.name)  # type: ignore[attr-defined]


class User(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A local user. Passwords are not written down: orlop user passwd sets one."""

    name: Name
    display: str = ""
    email: str = ""
    disabled: str | None = None
    expires_at: datetime | None = None


class Robot(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A robot. Its secrets are not written down: orlop robot rotate and the API issue them."""

    FIXED: ClassVar[frozenset[str]] = frozenset({"namespace"})

    name: Name
    namespace: str | None = None
    display: str = ""
    disabled: str | None = None
    expires_at: datetime | None = None


class Group(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A group, and all who are in it."""

    FIXED: ClassVar[frozenset[str]] = frozenset({"description"})

    name: Name
    description: str = ""
    members: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "members", tuple(sorted(set(self.members))))


class Space(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A namespace; the root is `/`."""

    path: Name
    visibility: Visibility | None = None
    description: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "path", self.path.strip("/") or "/")

    @property
    def key(self) -> str:
        return self.path


class Granted(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A grant, which never changes: another one is another grant."""

    principal: Name
    role: Name
    place: Place
    effect: Effect = Effect.ALLOW
    tags: str = ""
    conditions: Conditions = Conditions()
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        path = {PlaceKind.REGISTRY: "/", PlaceKind.NAMESPACE: f"{self.place.path}/"}.get(
            self.place.kind, self.place.path
        )
        words = [self.principal, "may" if self.effect is Effect.ALLOW else "may not", self.role, "on", path]
        if self.tags:
            words.append(f"tags {self.tags}")
        if self.conditions.any:
            words.append(f"if {msgspec.json.encode(self.conditions).decode()}")
        if self.expires_at:
            words.append(f"until {self.expires_at.astimezone(UTC).isoformat()}")
        return " ".join(words)


class LabelSet(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """All labels of a repository itself. Those of what it holds are content, and not written down."""

    repository: Name
    labels: dict[str, str]

    def __post_init__(self) -> None:
        if not self.labels:
            raise RequestInvalid(f"{self.repository} is given no labels: leave the document out")
        LabelChange(sets=self.labels)
        msgspec.structs.force_setattr(self, "labels", dict(sorted(self.labels.items())))

    @property
    def key(self) -> str:
        return self.repository


class Placed(_Document, frozen=True, kw_only=True, omit_defaults=True):
    """A setting of any kind that is declared. A secret that is `(set)` stays as it is."""

    kind: str
    at: str = ""
    """The namespace (`team/`) or repository that it is about; empty: the registry."""
    name: Name
    body: dict[str, Any]

    def __post_init__(self) -> None:
        path = self.at.strip("/")
        msgspec.structs.force_setattr(self, "at", place_words(path) if path else "")

    @property
    def key(self) -> str:
        return f"{self.at} {self.name}" if self.at else self.name

    @property
    def path(self) -> str:
        """The place as the API has it."""
        return self.at.strip("/")


Document = User | Robot | Group | Space | Granted | LabelSet | Placed

#: The kinds that grants are made to.
_PRINCIPALS = frozenset({"user", "robot", "group"})

#: The kinds that are no settings, in the order in which they are made, behind what they name; what is removed goes the
#: other way.
_STRUCTS: dict[str, type[Document]] = {
    "role": Placed,
    "user": User,
    "robot": Robot,
    "group": Group,
    "namespace": Space,
    "grant": Granted,
    "label-set": LabelSet,
}
_NAMES = {struct: kind for kind, struct in _STRUCTS.items()}


def kinds() -> dict[str, type[Document]]:
    """Every kind in that order: settings come last."""
    return _STRUCTS | dict.fromkeys(SETTINGS, Placed)


def kind_of(document: Document) -> str:
    """The word for its kind."""
    return document.kind if isinstance(document, Placed) else _NAMES[type(document)]


def place_in_order(document: Document) -> tuple[int, str]:
    """Where a document stands among others: by its kind, then by its name."""
    return list(kinds()).index(kind_of(document)), document.key


def parse_document(value: Any, where: str) -> Document:
    """A document that somebody wrote. `where` says which one, for errors. Raises RequestInvalid."""
    if not isinstance(value, dict):
        raise RequestInvalid(f"{where} is no mapping with a kind")
    rest = {str(name): item for name, item in value.items()}
    kind = rest.pop("kind", None)
    struct = kinds().get(str(kind))
    if struct is None:
        raise RequestInvalid(f"{where}: there is no kind {str(kind)[:64]}{nearest(str(kind), tuple(kinds()))}")
    if struct is Placed:
        rest = SETTINGS[str(kind)].nested(rest)
    try:
        refuse_unknown(struct, rest)
        if struct is Placed:
            rest["kind"] = kind
        # YAML knows times, and JSON does not: they are texts in both.
        rest = {name: item.isoformat() if isinstance(item, date) else item for name, item in rest.items()}
        found = msgspec.convert(rest, struct)
        if isinstance(found, Placed):  # as a server would keep it
            kept = msgspec.json.encode(SETTINGS[found.kind].parse(found.name, found.body))
            found = msgspec.structs.replace(found, body=msgspec.json.decode(kept))
    except RequestInvalid as error:
        raise RequestInvalid(f"{where} ({kind}): {error.message}", error.detail) from error
    except msgspec.ValidationError as error:
        raise RequestInvalid(f"{where} ({kind}): {error}") from error
    ends = getattr(found, "expires_at", None)
    if ends is not None and ends.tzinfo is None:
        raise RequestInvalid(f"{where} ({kind}): expires_at needs its zone: write 2030-01-31T12:00:00Z")
    return found


def written(document: Document) -> dict[str, Any]:
    """A document as it is written down, with nothing that is so anyway."""
    found: dict[str, Any] = msgspec.to_builtins(document)
    if isinstance(document, Placed) and SETTINGS[document.kind].flat:
        found |= found.pop("body")
    return {"kind": kind_of(document), **found}


class Verb(StrEnum):
    """What a step of a plan does."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    DRIFT = "drift"
    """Nothing: it is otherwise than the documents say, and stays so."""


class Step(msgspec.Struct, frozen=True):
    """One thing that a plan does or leaves, and why."""

    verb: Verb
    kind: str
    key: str
    reasons: tuple[str, ...]
    wanted: Document | None = None
    there: "There | None" = None


class There(msgspec.Struct, frozen=True):
    """A document as the registry has it. `kept` says why it is none of ours to change; empty: it is."""

    document: Document
    version: str = ""
    number: int = 0
    kept: str = ""


def plan(there: list[There], wanted: list[Document], *, prune: bool) -> list[Step]:
    """What makes a registry what the documents say, in the order in which it is to be done.

    What no document names is removed with `prune` if its kind is among them at all, and reported as drift otherwise;
    but for namespaces and roles that something is about which stays.
    Raises RequestInvalid for a document that is there twice.
    """
    known = {(kind_of(one.document), one.document.key): one for one in there}
    steps: list[Step] = []
    named: set[tuple[str, str]] = set()
    for document in sorted(wanted, key=place_in_order):
        place = (kind_of(document), document.key)
        if place in named:
            raise RequestInvalid(f"the {place[0]} {place[1]} is there more than once")
        named.add(place)
        step = _step(place, document, known.get(place))
        if step is not None:
            steps.append(step)
    kinds = {kind for kind, _ in named}
    # A grant goes with whom it was made to.
    gone = {
        group_principal(key) if kind == "group" else key
        for (kind, key), one in known.items()
        if prune and kind in kinds and (kind, key) not in named and kind in _PRINCIPALS and not one.kept
    }
    stays = [
        *wanted,
        *(
            one.document
            for (kind, _), one in known.items()
            if (kind not in kinds or one.kept)
            and not (isinstance(one.document, Granted) and one.document.principal in gone)
        ),
    ]
    implied = {"/"} | {above for one in stays for path in _spaces(one) for above in _down_to(path)}
    roles = {one.role for one in stays if isinstance(one, Granted)}
    extra = [
        msgspec.structs.replace(one, kept=one.kept or "a grant names it") if kind == "role" and key in roles else one
        for (kind, key), one in known.items()
        if (kind, key) not in named and kind in kinds and not (kind == "namespace" and key in implied)
    ]
    # The other way round: what lies below goes before what it lies below.
    extra.sort(key=lambda one: place_in_order(one.document), reverse=True)
    return [*steps, *(_extra(one, prune=prune) for one in extra)]


def _spaces(document: Document) -> tuple[str, ...]:
    """The namespaces that a document is about, which are there when it is, whether or not another document says so."""
    match document:
        case Space(path=path):
            return (path,)
        case LabelSet(repository=name) if "/" in name:
            return (name.rpartition("/")[0],)
        case Robot(namespace=str(path)):
            return (path,)
        case Granted(place=Place(kind=PlaceKind.NAMESPACE, path=path)):
            return (path,)
    return ()


def _down_to(path: str) -> list[str]:
    """A namespace and all above it."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _step(place: tuple[str, str], document: Document, there: There | None) -> Step | None:
    if there is None:
        return Step(Verb.CREATE, *place, ("there is none yet",), document)
    differing = differences(there.document, document)
    if not differing:
        return None
    reasons = tuple(f"{name}: {_shown(was)} → {_shown(now)}" for name, (was, now) in differing.items())
    if there.kept:
        return Step(Verb.DRIFT, *place, (there.kept, *reasons), document, there)
    fixed = document.FIXED & set(differing)
    if fixed:
        why = f"{', '.join(sorted(fixed))} cannot be changed; remove it and make it anew"
        return Step(Verb.DRIFT, *place, (why, *reasons), document, there)
    return Step(Verb.CHANGE, *place, reasons, document, there)


def _extra(one: There, *, prune: bool) -> Step:
    place = (kind_of(one.document), one.document.key)
    if one.kept:
        return Step(Verb.DRIFT, *place, ("no document names it", one.kept), None, one)
    if prune:
        return Step(Verb.DELETE, *place, ("no document names it",), None, one)
    return Step(Verb.DRIFT, *place, ("no document names it; --prune removes it",), None, one)


def differences(was: Document, now: Document) -> dict[str, tuple[Any, Any]]:
    """The fields in which two documents of one key differ, with both values."""
    return {
        name: (getattr(was, name), getattr(now, name))
        for name in was.__struct_fields__
        if getattr(was, name) != getattr(now, name)
    }


def _shown(value: Any) -> str:
    """A value in a reason, on one line."""
    if value is None or value in ("", ()):
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= 100 else f"{text[:99]}…"
