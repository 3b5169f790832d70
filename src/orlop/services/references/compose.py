"""Image references in Compose files: services, hooks, image volumes, build contexts, caches and Dockerfiles within."""

from collections.abc import Iterator

import msgspec

from orlop.services.references.dockerfile import variable_occurrence
from orlop.services.references.dotenv import outside
from orlop.services.references.inline import dockerfile_within
from orlop.services.references.occurrences import Finding, Level, Occurrence, SourceInvalid, Span
from orlop.services.references.variables import MAX_WORD, Fragment, Lookup, expand
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

_CONTEXT_SCHEME = "docker-image://"


def find(text: str, variables: dict[str, str]) -> Iterator[Occurrence]:
    """Every image that a Compose file names, with `variables` from the `.env` beside it. Raises SourceInvalid."""
    reader = _Reader(text, variables)
    for document in documents(text):
        if not isinstance(document, Mapping):
            raise SourceInvalid("a Compose file is a mapping")
        services = document.get("services")
        if isinstance(services, Mapping):
            for name, service in services.items():
                if isinstance(service, Mapping):
                    yield from reader.service(f"services.{name[:60]}", service)


class _Reader:
    def __init__(self, text: str, variables: dict[str, str]) -> None:
        self.text = text
        self.variables = variables
        self.lookup: Lookup = lambda name: outside(variables, name)
        self.seen: set[int] = set()

    def service(self, path: str, service: Mapping) -> Iterator[Occurrence]:
        image = service.scalar("image")
        build = service.get("build")
        built = build is not None and not (isinstance(build, Scalar) and build.is_null)
        if image is not None and image.value.strip():
            found = self.image(fragment(self.text, image), f"{path}.image")
            yield (
                _only_noted(found, "built-here", "the name of what is built here, not of something pulled")
                if built
                else found
            )
        for index, hook in self.mappings(service.get("pre_start")):
            own = hook.scalar("image")
            if own is not None and own.value.strip():
                yield self.image(fragment(self.text, own), f"{path}.pre_start[{index}].image")
        for index, volume in self.mappings(service.get("volumes")):
            kind, source = volume.scalar("type"), volume.scalar("source")
            if kind is not None and kind.value == "image" and source is not None:
                yield self.image(fragment(self.text, source), f"{path}.volumes[{index}].source")
        if isinstance(build, Mapping) and self.once(build) is not None:
            yield from self.build(f"{path}.build", build)

    def build(self, path: str, build: Mapping) -> Iterator[Occurrence]:
        contexts = self.once(build.get("additional_contexts"))
        if isinstance(contexts, Mapping):
            for name, value in contexts.items():
                if isinstance(value, Scalar):
                    yield from self.context(fragment(self.text, value), f"{path}.additional_contexts.{name[:60]}")
        for index, item in enumerate(contexts.items if isinstance(contexts, Sequence) else ()):
            if isinstance(item, Scalar):
                whole = fragment(self.text, item)
                name, _, _ = whole.text.partition("=")
                yield from self.context(
                    whole.part(len(name) + 1, len(whole.text)), f"{path}.additional_contexts[{index}]"
                )
        caches = self.once(build.get("cache_from"))
        for index, item in enumerate(caches.items if isinstance(caches, Sequence) else ()):
            if isinstance(item, Scalar) and (cache := _cache(fragment(self.text, item))).text.strip():
                found = self.image(cache, f"{path}.cache_from[{index}]")
                yield _only_noted(found, "cache-source", "a cache, which is meant to move")
        inline = build.scalar("dockerfile_inline")
        if inline is not None and self.once(inline) is not None:
            yield from dockerfile_within(self.text, inline, f"{path}.dockerfile_inline", self.lookup)

    def context(self, value: Fragment, path: str) -> Iterator[Occurrence]:
        if value.text.startswith(_CONTEXT_SCHEME):
            yield self.image(value.part(len(_CONTEXT_SCHEME), len(value.text)), path)

    def mappings(self, node: Node | None) -> Iterator[tuple[int, Mapping]]:
        entries = self.once(node)
        for index, entry in enumerate(entries.items if isinstance(entries, Sequence) else ()):
            if isinstance(entry, Mapping):
                yield index, entry

    def once(self, node: Node | None) -> Node | None:
        """`node` when it is met for the first time: many services may share one long list."""
        if id(node) in self.seen:
            return None
        self.seen.add(id(node))
        return node

    def image(self, written: Fragment, where: str) -> Occurrence:
        span = Span(written.offsets[0], written.offsets[-1] + 1) if written.text else Span(0, 0)
        value = expand(written, self.lookup)
        if value is None:
            message = "it is too long, or a variable or quotation mark in it is not closed"
            finding = Finding(Level.ERROR, "invalid-reference", message)
            return Occurrence(span, where, written.text[:MAX_WORD], None, fixed=message, findings=(finding,))
        found = variable_occurrence(span, where, written.text, value, frozenset(self.variables))
        if not written.whole and found.slot is None and found.text is not None:
            return msgspec.structs.replace(found, fixed="it is written with escapes or over several lines")
        return found


def _cache(written: Fragment) -> Fragment:
    """The image in `type=registry,ref=IMAGE`, or all of it where it is no list of fields; empty for other caches."""
    if "=" not in written.text:
        return written
    position = 0
    for field in written.text.split(","):
        if field.startswith("ref="):
            return written.part(position + len("ref="), position + len(field))
        position += len(field) + 1
    return Fragment("", ())


def _only_noted(found: Occurrence, code: str, message: str) -> Occurrence:
    finding = Finding(Level.NOTE, code, message)
    return msgspec.structs.replace(found, slot=None, fixed=message, findings=(*found.findings, finding))
