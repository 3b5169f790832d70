"""Image references in Compose files: the images of services, image volumes, and images as build contexts."""

from collections.abc import Iterator

import msgspec

from orlop.services.references.dockerfile import variable_occurrence
from orlop.services.references.occurrences import Finding, Level, Occurrence, SourceInvalid, Span
from orlop.services.references.variables import MAX_WORD, Fragment, expand
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

_CONTEXT_SCHEME = "docker-image://"


def find(text: str) -> Iterator[Occurrence]:
    """Every image that a Compose file names. Raises SourceInvalid."""
    seen: set[int] = set()
    for document in documents(text):
        if not isinstance(document, Mapping):
            raise SourceInvalid("a Compose file is a mapping")
        services = document.get("services")
        if isinstance(services, Mapping):
            for name, service in services.items():
                if isinstance(service, Mapping):
                    yield from _service(text, f"services.{name[:60]}", service, seen)


def _service(text: str, path: str, service: Mapping, seen: set[int]) -> Iterator[Occurrence]:
    image = service.scalar("image")
    build = service.get("build")
    built = build is not None and not (isinstance(build, Scalar) and build.is_null)
    if image is not None and image.value.strip():
        found = _image(fragment(text, image), f"{path}.image")
        yield _as_built(found) if built else found
    volumes = _once(service.get("volumes"), seen)
    for index, volume in enumerate(volumes.items if isinstance(volumes, Sequence) else ()):
        if not isinstance(volume, Mapping):
            continue
        kind, source = volume.scalar("type"), volume.scalar("source")
        if kind is not None and kind.value == "image" and source is not None:
            yield _image(fragment(text, source), f"{path}.volumes[{index}].source")
    contexts = _once(build.get("additional_contexts"), seen) if isinstance(build, Mapping) else None
    if isinstance(contexts, Mapping):
        for name, value in contexts.items():
            if isinstance(value, Scalar) and value.value.startswith(_CONTEXT_SCHEME):
                whole = fragment(text, value)
                part = whole.part(len(_CONTEXT_SCHEME), len(whole.text))
                yield _image(part, f"{path}.build.additional_contexts.{name[:60]}")


def _once(node: Node | None, seen: set[int]) -> Node | None:
    """`node` when it is met for the first time: many services may share one long list."""
    if id(node) in seen:
        return None
    seen.add(id(node))
    return node


def _image(written: Fragment, where: str) -> Occurrence:
    span = Span(written.offsets[0], written.offsets[-1] + 1) if written.text else Span(0, 0)
    value = expand(written, lambda _: None)
    if value is None:
        finding = Finding(
            Level.ERROR, "invalid-reference", "it is too long, or a variable or quotation mark in it is not closed"
        )
        return Occurrence(span, where, written.text[:MAX_WORD], None, fixed=finding.message, findings=(finding,))
    found = variable_occurrence(span, where, written.text, value)
    if not written.whole and found.slot is None and found.text is not None:
        return msgspec.structs.replace(found, fixed="it is written with escapes or over several lines")
    return found


def _as_built(found: Occurrence) -> Occurrence:
    message = "the name of what is built here, not of something pulled"
    finding = Finding(Level.NOTE, "built-here", message)
    return msgspec.structs.replace(found, slot=None, fixed=message, findings=(*found.findings, finding))
