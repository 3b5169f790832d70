"""Image references in Kubernetes manifests: the containers and image volumes of every pod specification in them.

Pod specifications are recognised by their shape at any depth, so lists, patches and custom resources count as well.
"""

from collections.abc import Iterator

from orlop.services.references.occurrences import Occurrence, Slot, SlotKind, Span
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.variables import Fragment
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def find(text: str) -> Iterator[Occurrence]:
    """Every image that the manifests in `text` name. Raises SourceInvalid."""
    seen: set[int] = set()
    for document in documents(text):
        waiting: list[tuple[Node, str]] = [(document, "")]
        while waiting:
            node, owner = waiting.pop()
            if id(node) in seen or isinstance(node, Scalar):
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                waiting.extend((item, owner) for item in reversed(node.items))
                continue
            owner = _owner(node) or owner
            yield from _pod(text, node, owner, seen)
            waiting.extend((value, owner) for _, value in reversed(node.pairs))


def _owner(node: Mapping) -> str:
    """`Kind/name` where `node` is a whole object."""
    kind = node.scalar("kind")
    if kind is None or node.scalar("apiVersion") is None:
        return ""
    metadata = node.get("metadata")
    name = metadata.scalar("name") if isinstance(metadata, Mapping) else None
    return f"{kind.value[:60]}/{name.value[:60]}" if name else kind.value[:60]


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
    if not isinstance(image, Scalar) or image.is_null or not image.value.strip() or id(image) in seen:
        return
    seen.add(id(image))
    yield plain_occurrence(fragment(text, image), where)


def plain_occurrence(written: Fragment, where: str) -> Occurrence:
    """A reference in a format without variables of its own."""
    span = Span(written.offsets[0], written.offsets[-1] + 1)
    if PLACEHOLDER.search(written.text):
        return filled_in(span, where, written.text)
    place = written.span
    return Occurrence(
        span,
        where,
        written.text,
        written.text,
        slot=Slot(SlotKind.REFERENCE, place) if place else None,
        fixed="" if place else "it is written with escapes or over several lines",
        sources=written.sources if place else (),
    )
