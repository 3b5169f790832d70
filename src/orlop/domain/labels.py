"""Labels of repositories and manifests: what keys and values are, how they change, and how they are selected by."""

import re
from collections.abc import Collection, Mapping
from hashlib import sha256

import msgspec

from orlop.domain.errors import NotFound, RequestInvalid, Stale

#: A repository or a manifest has no more.
LABELS_MOST = 64
#: The longest value, in characters.
VALUE_MOST = 256

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)
_PREFIX_MOST = 253
_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)
_COMMA = re.compile(r"(?<!\\),")

Labels = Mapping[str, str]


def checked_key(text: str) -> str:
    """A key: a name, perhaps behind a DNS name and a slash, as Kubernetes has them. Raises RequestInvalid."""
    prefix, slash, name = text.rpartition("/")
    if not _NAME.fullmatch(name) or (slash and not (len(prefix) <= _PREFIX_MOST and _PREFIX.fullmatch(prefix))):
        raise RequestInvalid(
            f"{text[:160]!r} is no key of a label: it is 1 to 63 lower-case letters, digits and . _ - with none of"
            f" these at an end, and before it perhaps a DNS name of up to {_PREFIX_MOST} characters and a slash",
            {"key": text[:320]},
        )
    return text


def checked_value(key: str, text: str) -> str:
    """A value; it may be empty. Raises RequestInvalid."""
    if len(text) > VALUE_MOST or not text.isprintable():
        raise RequestInvalid(
            f"the value of the label {key} is up to {VALUE_MOST} characters on one line",
            {"key": key, "most": VALUE_MOST},
        )
    return text


class LabelChange(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the labels of one thing."""

    sets: Labels = {}
    removes: Collection[str] = ()
    whole: bool = False
    """Whether `sets` is all that there is from then on."""
    expected: int | None = None
    """The version that is changed; 0: there are none; None: whichever there is."""

    def __post_init__(self) -> None:
        for key, value in self.sets.items():
            checked_value(checked_key(key), value)
        for key in self.removes:
            checked_key(key)
        if both := sorted(set(self.removes) & set(self.sets)):
            raise RequestInvalid(f"the label {both[0]} is set and removed at once", {"key": both[0]})


def changed(labels: Labels, change: LabelChange, where: str) -> dict[str, str]:
    """The labels after a change of those of `where`. Raises Stale, NotFound, RequestInvalid."""
    if change.expected is not None and change.expected != (version_of(labels) if labels else 0):
        raise Stale(f"the labels of {where} were changed meanwhile; look at them again")
    if missing := sorted(set(change.removes) - set(labels)):
        raise NotFound(f"{where} has no label {missing[0]}", {"key": missing[0]})
    kept = {} if change.whole else {key: value for key, value in labels.items() if key not in change.removes}
    after = {**kept, **change.sets}
    if len(after) > LABELS_MOST:
        raise RequestInvalid(
            f"{where} would have {len(after)} labels, and {LABELS_MOST} are allowed", {"most": LABELS_MOST}
        )
    return dict(sorted(after.items()))


def version_of(labels: Labels) -> int:
    """A number that names what the labels are: the same again when they are."""
    written = msgspec.json.encode(dict(sorted(labels.items())))
    return int.from_bytes(sha256(written).digest()[:7]) or 1


class Term(msgspec.Struct, frozen=True):
    """A label to select by; without a value any will do."""

    key: str
    value: str | None = None


def parse_selector(text: str) -> tuple[Term, ...]:
    """`stage=prod,team`: what has all of these. A comma in a value has a backslash before it. Raises RequestInvalid."""
    terms = []
    for part in _COMMA.split(text):
        key, equals, value = part.replace("\\,", ",").partition("=")
        terms.append(Term(checked_key(key.strip()), value.strip() if equals else None))
    if len(terms) > LABELS_MOST:
        raise RequestInvalid(f"a selector has up to {LABELS_MOST} labels", {"most": LABELS_MOST})
    return tuple(terms)
