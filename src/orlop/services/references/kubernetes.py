"""Image references in Kubernetes manifests: the containers and image volumes of every pod specification in them.

Pod specifications are recognised by their shape at any depth, so lists, patches and custom resources count as well.
Custom resources name images elsewhere too; where, is in `kinds`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from orlop.services.references import helm, kustomize
from orlop.services.references.kinds import REFERENCES, REPLACEMENTS, VALUES, is_builtin
from orlop.services.references.occurrences import Finding, Level, Occurrence, Span
from orlop.services.references.parts import plain_occurrence
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment, template

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class _Object(NamedTuple):
    """The object that holds a node."""

    name: str = ""
    """`Kind/name`."""
    group: str = ""
    kind: str = ""


def find(text: str) -> Iterator[Occurrence]:
    """Every image that the manifests in `text` name. Raises SourceInvalid."""
    seen: set[int] = set()
    for document in documents(text):
        waiting: list[tuple[Node, _Object, str]] = [(document, _Object(), "")]
        while waiting:
            node, owner, key = waiting.pop()
            if id(node) in seen or isinstance(node, Scalar):
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                waiting.extend((item, owner, key) for item in reversed(node.items))
                continue
            owner = _object(node) or owner
            yield from _pod(text, node, owner.name, seen)
            if owner.group and not is_builtin(owner.group):
                yield from _fields(text, node, owner, key, seen)
            waiting.extend(
                (value, owner, key if name.value == "<<" else name.value[:60]) for name, value in reversed(node.pairs)
            )


def _object(node: Mapping) -> _Object | None:
    """What `node` is where it is a whole object."""
    kind, version = node.scalar("kind"), node.scalar("apiVersion")
    if kind is None or version is None:
        return None
    metadata = node.get("metadata")
    name = metadata.scalar("name") if isinstance(metadata, Mapping) else None
    label = f"{kind.value[:60]}/{name.value[:60]}" if name else kind.value[:60]
    return _Object(label, version.value.rpartition("/")[0], kind.value)


def _fields(text: str, node: Mapping, owner: _Object, key: str, seen: set[int]) -> Iterator[Occurrence]:
    """What a mapping in the resource of an operator names outside of pods."""
    known = (owner.group, owner.kind)
    for name, value in node.pairs:
        field = f"{key}.{name.value[:60]}"
        where = f"{owner.name} {field}"
        if field in REFERENCES.get(known, ()):
            yield from _image(text, value, where, seen)
        elif field in VALUES.get(known, ()):
            yield from helm.find_in(text, value, where, seen)
        elif field in REPLACEMENTS.get(known, ()):
            yield from kustomize.replacements(text, value, where, seen)
        elif name.value == "image":
            yield from _unknown(text, value, where, owner, seen)


def _unknown(text: str, value: Node, where: str, owner: _Object, seen: set[int]) -> Iterator[Occurrence]:
    """A field that is called `image` where nothing says what it holds."""
    named = value.scalar("repository") if isinstance(value, Mapping) else value
    if not isinstance(named, Scalar) or named.is_null or not named.value.strip() or id(named) in seen:
        return
    seen.add(id(named))
    written = fragment(text, named)
    span = Span(written.offsets[0], written.offsets[-1] + 1)
    if PLACEHOLDER.search(written.text):
        yield filled_in(span, where, written.text)
        return
    message = f"it is not known what this is to the kind {owner.kind[:60]} of {owner.group[:80]}"
    finding = Finding(Level.NOTE, "unknown-field", message)
    yield Occurrence(span, where, written.text, None, fixed=message, findings=(finding,))


def _pod(text: str, node: Mapping, owner: str, seen: set[int]) -> Iterator[Occurrence]:
    for key in _CONTAINERS:
        for index, container in _entries(node, key, seen):
            name = container.scalar("name")
            label = name.value[:60] if name else str(index)
            yield from _image(text, container.get("image"), f"{owner} {key}[{label}].image".strip(), seen)
    for index, volume in _entries(node, "volumes", seen):
        image = volume.get("image")
        if isinstance(image, Mapping):
            where = f"{owner} volumes[{index}].image.reference".strip()
            yield from _image(text, image.get("reference"), where, seen)


def _entries(node: Mapping, key: str, seen: set[int]) -> Iterator[tuple[int, Mapping]]:
    """The mappings in the list under `key`, unless that list was met before: many objects may share a long one."""
    entries = node.get(key)
    if isinstance(entries, Sequence) and -id(entries) not in seen:
        seen.add(-id(entries))
        yield from ((index, entry) for index, entry in enumerate(entries.items) if isinstance(entry, Mapping))


def _image(text: str, image: Node | None, where: str, seen: set[int]) -> Iterator[Occurrence]:
    # An empty image is legal: "to allow higher level config management to default or override" it (API reference).
    if (place := template(text, image)) and id(image) not in seen:
        seen.add(id(image))
        yield filled_in(place, where, text[place.start : place.end])
    if not isinstance(image, Scalar) or image.is_null or not image.value.strip() or id(image) in seen:
        return
    seen.add(id(image))
    yield plain_occurrence(fragment(text, image), where)
