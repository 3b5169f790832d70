"""Image references in Helm values: strings under `image`, and maps of registry, repository, tag and digest.

What a chart makes of its values is up to the chart; this follows the conventions that published charts share.
"""

from collections.abc import Iterator
from typing import NamedTuple

from orlop.domain.errors import RegistryError
from orlop.domain.references import parse_image_reference
from orlop.services.references.occurrences import Finding, Level, Occurrence, Span
from orlop.services.references.parts import as_helm_writes, digest_in, digest_slot, plain_occurrence, value_of
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

#: Keys whose presence beside `repository` tells an image from a source repository or a chart repository.
_COMPANIONS = ("tag", "digest", "sha", "registry", "pullPolicy", "imagePullPolicy")


class _Path(NamedTuple):
    """Keys from the root; shared, because a deep text has many long ones."""

    parent: "_Path | None"
    key: str

    def __str__(self) -> str:
        keys: list[str] = []
        path: _Path | None = self
        while path is not None:
            keys.append(path.key)
            path = path.parent
        return ".".join(reversed(keys))


class _Image(NamedTuple):
    """The parts of an image; `owner` is the map in which a digest would stand."""

    owner: Mapping
    repository: Scalar
    registry: Scalar | None
    tag: Scalar | None


def find(text: str) -> Iterator[Occurrence]:
    """Every image that the values name. Raises SourceInvalid."""
    seen: set[int] = set()
    for document in documents(text):
        yield from find_in(text, document, "", seen)


def find_in(text: str, values: Node, where: str, seen: set[int]) -> Iterator[Occurrence]:
    """Every image in values that stand at `where` in a text; what is in `seen` was found before."""
    for node, path in _mappings(values, _Path(None, where) if where else None, seen):
        image = _image(node, path.key if path else "")
        if image is not None:
            seen.add(id(image.repository))
            yield _from_parts(text, image, str(path or ""))
        yield from _strings(text, node, path, seen)


def has_images(values: Node) -> bool:
    """Whether there is a map of repository, tag and the like, which hardly anything but values has."""
    return any(
        node.scalar("repository") is not None and _image(node, path.key if path else "") is not None
        for node, path in _mappings(values, None, set())
    )


def _mappings(values: Node, start: "_Path | None", seen: set[int]) -> Iterator[tuple[Mapping, "_Path | None"]]:
    waiting: list[tuple[Node, _Path | None]] = [(values, start)]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen or isinstance(node, Scalar):
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            waiting.extend((item, _Path(path, str(i))) for i, item in reversed(list(enumerate(node.items))))
            continue
        yield node, path
        waiting.extend((value, _Path(path, name.value[:60])) for name, value in reversed(node.pairs))


def _image(node: Mapping, key: str) -> _Image | None:
    under_image = key.lower().endswith("image")
    repository = node.scalar("repository")
    registry, tag = node.scalar("registry"), node.scalar("tag")
    if repository is not None:
        known = under_image or any(node.get(companion) is not None for companion in _COMPANIONS)
        elsewhere = "://" in repository.value or repository.value.startswith("git@")
        if not known or (elsewhere and not under_image):
            return None
    elif under_image:
        repository = node.scalar("image") or _named(node)
    else:
        # `image: repo` beside `tag: …` or `imageTag: …`
        repository, tag = node.scalar("image"), tag or node.scalar("imageTag")
        if repository is None or tag is None or ":" in repository.value.rpartition("/")[2]:
            return None
    if repository is None or not repository.value.strip():
        return None
    return _Image(node, repository, registry, tag)


def _named(node: Mapping) -> Scalar | None:
    """`name` where it is that of an image: much else has a name, such as the steps of pipelines that build images."""
    name = node.scalar("name")
    known = any(node.get(companion) is not None for companion in _COMPANIONS)
    return name if name is not None and (known or _is_reference(name.value.strip())) else None


def _strings(text: str, node: Mapping, path: _Path | None, seen: set[int]) -> Iterator[Occurrence]:
    # `images: {api: repo:tag}` and `images: {tags: {api: repo:tag}}` are as common as keys that end in Image.
    listed = path is not None and "images" in (path.key, path.parent.key if path.parent else "")
    for name, value in node.pairs:
        if not isinstance(value, Scalar) or value.is_null or not value.value.strip() or id(value) in seen:
            continue
        likely = listed or name.value.endswith("Image")
        if name.value == "image" or (likely and _is_reference(value.value.strip())):
            seen.add(id(value))
            yield plain_occurrence(fragment(text, value), str(_Path(path, name.value[:60])))


def _is_reference(text: str) -> bool:
    """Whether `text` is a reference beyond doubt; not every `…Image` names a container image."""
    try:
        reference = parse_image_reference(text)
    except RegistryError:
        return False
    return not (reference.registry_implied and reference.tag_implied)


def _from_parts(text: str, image: _Image, where: str) -> Occurrence:
    repository = fragment(text, image.repository)
    span = Span(repository.offsets[0], repository.offsets[-1] + 1)
    registry, tag = (value_of(part) for part in (image.registry, image.tag))
    digest, digest_text = digest_in(image.owner)
    name = f"{registry}/{repository.text}" if registry else repository.text
    written = name + (f":{tag}" if tag else "") + (f"@{digest_text}" if digest_text else "")
    findings = _number(image.tag)
    if PLACEHOLDER.search(written):
        return filled_in(span, where, written, findings)
    if not tag and not digest_text:
        message = "the values name no tag, so the chart decides; often it takes its appVersion"
        note = Finding(Level.NOTE, "chart-tag", message)
        return Occurrence(span, where, written, None, fixed=message, findings=(*findings, note))
    slot, fixed = (None, findings[0].message) if findings else digest_slot(text, image.owner, image.tag, digest)
    sources = [part for part in (image.repository, image.registry, image.tag) if part is not None]
    return Occurrence(
        span,
        where,
        written,
        written,
        slot=slot,
        fixed=fixed,
        sources=tuple(Span(part.start, part.end) for part in sources),
        findings=findings,
    )


def _number(tag: Scalar | None) -> tuple[Finding, ...]:
    """A tag that YAML takes for a number is written as another text: 1.10 as 1.1, 20240101 as 2.0240101e+07."""
    shown = as_helm_writes(tag) if tag is not None else None
    if tag is None or shown is None:
        return ()
    how = f"as {shown}" if shown else "in another way"
    message = f"YAML reads the tag {tag.value[:40]} as a number, which Helm writes {how}; put it in quotation marks"
    return (Finding(Level.WARNING, "number-tag", message),)
