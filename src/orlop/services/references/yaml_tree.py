"""YAML as a tree that knows where its scalars stand, built from events in bounded depth, memory and time.

Aliases are shared nodes, never copies, so a text that would unfold to billions of nodes stays as small as it is
written. Merge keys are followed on look-up. No value is converted: a scalar is the text that stands there.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from orlop.services.references.occurrences import SourceInvalid, Span, Unrendered
from orlop.services.references.variables import MAX_WORD, Fragment

#: Nesting beyond which a text is refused; Kubernetes itself accepts no more than a few dozen in practice.
MAX_DEPTH = 200
#: Nodes of one text, keys and aliases included.
MAX_NODES = 500_000
#: Mappings that one mapping merges, through all levels.
MAX_MERGES = 16


#: What the merge key is called in an index, so that no other key can be taken for it.
_MERGE = "\0<<"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar:
    """A scalar; `style` is empty for plain ones, else the quotation mark or the block indicator."""

    __slots__ = ("aliased", "end", "start", "style", "value")

    def __init__(self, value: str, style: str, start: int, end: int) -> None:
        self.value = value
        self.style = style
        self.start = start
        self.end = end
        self.aliased = False

    @property
    def is_null(self) -> bool:
        """Whether YAML reads it as null."""
        return not self.style and self.value in _NULLS


class Mapping:
    """A mapping in the order of its text; keys that are not scalars are left out."""

    __slots__ = ("_index", "pairs", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.pairs: list[tuple[Scalar, Node]] = []
        self._index: dict[str, tuple[Scalar, Node]] | None = None

    @property
    def own(self) -> "dict[str, tuple[Scalar, Node]]":
        """Its own keys, the last where one is repeated; to be asked for when the tree is complete."""
        if self._index is None:
            self._index = {_name(key): (key, value) for key, value in self.pairs}
        return self._index

    def get(self, key: str) -> "Node | None":
        """The value of `key`, its own before merged ones."""
        for mapping in self._with_merged():
            if key in mapping.own:
                return mapping.own[key][1]
        return None

    def scalar(self, key: str) -> Scalar | None:
        """The value of `key` if it is a scalar other than null."""
        value = self.get(key)
        return value if isinstance(value, Scalar) and not value.is_null else None

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values, merged ones included, each key once."""
        seen = {_MERGE}
        for mapping in self._with_merged():
            for name, (_, value) in mapping.own.items():
                if name not in seen:
                    seen.add(name)
                    yield name, value

    def _with_merged(self) -> Iterator["Mapping"]:
        """This mapping and what it merges, nearest first, each once however often it is merged."""
        yield self
        if _MERGE not in self.own:
            return
        seen = {id(self)}
        waiting = [self.own[_MERGE][1]]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if len(seen) > MAX_MERGES:
                raise SourceInvalid(f"a mapping merges more than {MAX_MERGES} others")
            if isinstance(node, Sequence):
                waiting.extend(reversed(node.items))
            elif isinstance(node, Mapping):
                yield node
                if _MERGE in node.own:
                    waiting.append(node.own[_MERGE][1])


def _name(key: Scalar) -> str:
    """A quoted `<<` is a key like any other."""
    return _MERGE if key.value == "<<" and not key.style else key.value


class Sequence:
    """A sequence."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Node] = []


Node = Scalar | Mapping | Sequence


def documents(text: str) -> list[Node]:
    """The documents of `text`. Raises SourceInvalid where it is not YAML or goes beyond a limit."""
    # The loaders do not count a byte order mark at the beginning.
    body = text.removeprefix("\ufeff")
    builder = _Builder(len(text) - len(body))
    try:
        for event in yaml.parse(body, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark
        what = " ".join(str(part) for part in (cause.context, cause.problem) if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise _refused(text, f"not YAML: {what}", line, column) from cause
    except yaml.YAMLError as cause:
        raise _refused(text, f"not YAML: {getattr(cause, 'reason', 'it cannot be read')}") from cause
    return builder.documents


def _refused(text: str, message: str, line: int = 0, column: int = 0) -> SourceInvalid:
    if re.search(r"\{\{|\{%|<%", text):
        return Unrendered(f"{message}; a template has to be rendered first", line, column)
    return SourceInvalid(message, line, column)


class _Builder:
    def __init__(self, shift: int) -> None:
        self.shift = shift
        self.documents: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.open: list[Mapping | Sequence] = []
        self.keys: list[Node | None] = []
        self.nodes = 0

    def take(self, event: Any) -> None:
        start, end = event.start_mark.index + self.shift, event.end_mark.index + self.shift
        match event:
            case yaml.ScalarEvent():
                style = event.style if event.style in ("'", '"', "|", ">") else ""
                self._add(Scalar(event.value, style, start, end), event)
            case yaml.MappingStartEvent():
                self._begin(Mapping(start), event)
            case yaml.SequenceStartEvent():
                self._begin(Sequence(), event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.open.pop()
                self.keys.pop()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self.anchors = {}

    def _alias(self, event: Any) -> None:
        self._count()
        node = self.anchors.get(event.anchor)
        mark = event.start_mark
        if node is None:
            raise SourceInvalid(f"not YAML: there is no anchor {event.anchor[:60]!r}", mark.line + 1, mark.column + 1)
        if isinstance(node, Scalar):
            node.aliased = True
        self._attach(node)

    def _begin(self, node: Mapping | Sequence, event: Any) -> None:
        self._add(node, event)
        if len(self.open) >= MAX_DEPTH:
            mark = event.start_mark
            raise SourceInvalid(f"nested more than {MAX_DEPTH} deep", mark.line + 1, mark.column + 1)
        self.open.append(node)
        self.keys.append(None)

    def _add(self, node: Node, event: Any) -> None:
        self._count()
        if event.anchor:
            self.anchors[event.anchor] = node
        self._attach(node)

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise SourceInvalid(f"more than {MAX_NODES} YAML nodes; split the file")

    def _attach(self, node: Node) -> None:
        if not self.open:
            self.documents.append(node)
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self.keys[-1] = node
            return
        self.keys[-1] = None
        if isinstance(key, Scalar):
            parent.pairs.append((key, node))


def fragment(text: str, scalar: Scalar) -> Fragment:
    """The value of a scalar without white space around it, traced to the source where it stands there letter by letter.

    At most `MAX_WORD` + 1 characters, enough to see that it is no reference.
    """
    value = scalar.value.strip()
    span = _verbatim(text, scalar, value)
    if span is None or len(value) > MAX_WORD:
        value = value[: MAX_WORD + 1]
        return Fragment(value, [scalar.start] * len(value), whole=False)
    return Fragment(value, range(span.start, span.end))


def template(text: str, node: Node | None) -> Span | None:
    """Where a template stands that YAML takes for a mapping: `key: {{ .Values.x }}`."""
    if not isinstance(node, Mapping) or node.pairs or not text.startswith("{{", node.start):
        return None
    end = text.find("}}", node.start, node.start + MAX_WORD)
    return Span(node.start, end + len("}}")) if end >= 0 else None


def block(text: str, scalar: Scalar) -> Fragment:
    """All of a scalar, its lines traced to the source where it is a literal block, else to its beginning."""
    lines = scalar.value.split("\n")
    sources = text[scalar.start : scalar.end].split("\n")[1:] if scalar.style == "|" else []
    offsets: list[int] = []
    position = text.find("\n", scalar.start) + 1
    for index, line in enumerate(lines):
        source = sources[index].rstrip("\r") if index < len(sources) else ""
        if scalar.style != "|" or not source.endswith(line):
            return Fragment(scalar.value, [scalar.start] * len(scalar.value), whole=False)
        first = position + len(source) - len(line)
        offsets.extend(range(first, first + len(line) + (index < len(lines) - 1)))
        position += len(sources[index]) + 1 if index < len(sources) else 0
    return Fragment(scalar.value, offsets)


def _verbatim(text: str, scalar: Scalar, value: str) -> Span | None:
    raw = text[scalar.start : scalar.end]
    if scalar.style in ("'", '"'):
        # Tags and anchors stand before the quotation marks, so count from the end.
        first = len(raw) - 1 - len(scalar.value)
        if first < 1 or raw[first - 1] != scalar.style or raw[first:-1] != scalar.value:
            return None
        start = first + len(scalar.value) - len(scalar.value.lstrip())
    else:
        body = raw.rstrip()
        start = len(body) - len(value)
        if not value or not body.endswith(value) or "\n" in value:
            return None
    return Span(scalar.start + start, scalar.start + start + len(value))
