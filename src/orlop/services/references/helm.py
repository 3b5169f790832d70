"""Image references in Helm values: strings under `image`, and maps of registry, repository, tag and digest.

What a chart makes of its values is up to the chart; this follows the conventions that published charts share.
"""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from orlop.domain.errors import RegistryError
from orlop.domain.references import parse_image_reference
from orlop.services.references.kubernetes import plain_occurrence
from orlop.services.references.occurrences import Finding, Level, Occurrence, Slot, SlotKind, Span
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

#: Keys whose presence beside `repository` tells an image from a source repository or a chart repository.
_COMPANIONS = ("tag", "digest", "sha", "registry", "pullPolicy", "imagePullPolicy")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_ODD_INTEGER = re.compile(r"[-+]?0[0-9_xob][0-9a-fA-F_]*|[-+]?[0-9]+_[0-9_]*", re.ASCII)
#: Powers of ten from which Go's `%v` writes a float with an exponent.
_EXPONENT_FROM = 6


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
        waiting: list[tuple[Node, _Path | None]] = [(document, None)]
        while waiting:
            node, path = waiting.pop()
            if id(node) in seen or isinstance(node, Scalar):
                continue
            seen.add(id(node))
            if isinstance(node, Sequence):
                waiting.extend((item, _Path(path, str(i))) for i, item in reversed(list(enumerate(node.items))))
                continue
            image = _image(node, path.key if path else "")
            if image is not None:
                seen.add(id(image.repository))
                yield _from_parts(text, image, str(path or ""))
            yield from _strings(text, node, path, seen)
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
        repository = node.scalar("image") or node.scalar("name")
    else:
        # `image: repo` beside `tag: …` or `imageTag: …`
        repository, tag = node.scalar("image"), tag or node.scalar("imageTag")
        if repository is None or tag is None or ":" in repository.value.rpartition("/")[2]:
            return None
    if repository is None or not repository.value.strip():
        return None
    return _Image(node, repository, registry, tag)


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
    registry, tag = (_value(part) for part in (image.registry, image.tag))
    digest, digest_text = _digest(image.owner)
    name = f"{registry}/{repository.text}" if registry else repository.text
    written = name + (f":{tag}" if tag else "") + (f"@{digest_text}" if digest_text else "")
    findings = _number(image.tag)
    if PLACEHOLDER.search(written):
        return filled_in(span, where, written, findings)
    if not tag and not digest_text:
        message = "the values name no tag, so the chart decides; often it takes its appVersion"
        note = Finding(Level.NOTE, "chart-tag", message)
        return Occurrence(span, where, written, None, fixed=message, findings=(*findings, note))
    slot, fixed = (None, findings[0].message) if findings else _slot(text, image, digest)
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


def _value(part: Scalar | None) -> str:
    return part.value.strip() if part is not None else ""


def _digest(owner: Mapping) -> tuple[str, str]:
    """The key that holds the digest, if there is one, and the digest; `sha` holds only the hex of a sha256."""
    for key, prefix in (("digest", ""), ("sha", "sha256:")):
        value = owner.get(key)
        if isinstance(value, Scalar):
            given = "" if value.is_null else value.value.strip()
            return key, prefix + given if given else ""
    return "", ""


def _slot(text: str, image: _Image, key: str) -> tuple[Slot | None, str]:
    """Where the digest belongs: where one stands already, else under `digest` or `sha`, else behind the tag."""
    tag = image.tag
    if key and not (tag is not None and "@" in tag.value):
        kind = SlotKind.DIGEST if key == "digest" else SlotKind.HEX
        value = image.owner.get(key)
        assert isinstance(value, Scalar)
        return _value_slot(text, image.owner, key, value, kind)
    if tag is None:
        return None, "there is neither a digest key nor a tag to write it to"
    if tag.aliased:
        return None, "its tag is an anchor that other values share"
    place = fragment(text, tag).span
    if place is None:
        return None, "its tag is written with escapes or over several lines"
    return Slot(SlotKind.TAG, place), ""


def _value_slot(text: str, owner: Mapping, key: str, value: Scalar, kind: SlotKind) -> tuple[Slot | None, str]:
    if value.aliased:
        return None, "its digest is an anchor that other values share"
    if value.style in ("'", '"'):
        place = fragment(text, value).span if value.value.strip() else Span(value.end - 1, value.end - 1)
        return (Slot(kind, place), "") if place else (None, "its digest is written with escapes")
    if value.value == "" and not value.style and key in owner.own:
        colon = re.compile(r"\s*:").match(text, owner.own[key][0].end)
        if colon is None:
            return None, "its digest has no place that can be written to"
        return Slot(kind, Span(colon.end(), colon.end()), before=" "), ""
    if value.is_null:
        return Slot(kind, Span(value.end - len(value.value), value.end)), ""
    place = fragment(text, value).span
    return (Slot(kind, place), "") if place else (None, "its digest is written over several lines")


def _number(tag: Scalar | None) -> tuple[Finding, ...]:
    """A tag that YAML takes for a number is written as another text: 1.10 as 1.1, 20240101 as 2.0240101e+07."""
    if tag is None or tag.style:
        return ()
    if _ODD_INTEGER.fullmatch(tag.value):
        shown = "in another way"
    elif _NUMBER.fullmatch(tag.value):
        shown = _as_helm_writes(float(tag.value))
        if shown in ("inf", "-inf", tag.value):
            return ()
        shown = f"as {shown}"
    else:
        return ()
    message = f"YAML reads the tag {tag.value[:40]} as a number, which Helm writes {shown}; put it in quotation marks"
    return (Finding(Level.WARNING, "number-tag", message),)


def _as_helm_writes(number: float) -> str:
    """As Go's `%v` does: the shortest digits, with an exponent from a million on and below a ten-thousandth."""
    if number == 0 or math.isinf(number):
        return "0" if number == 0 else str(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    magnitude = len(digits) - 1 + exponent
    if -4 <= magnitude < _EXPONENT_FROM:
        return format(Decimal((sign, digits, exponent)), "f")
    text = "".join(map(str, digits))
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{magnitude:+03d}"
