"""Image references in kustomizations: what `images` puts in the place of the images of the manifests.

A `name` is what to look for in the manifests, so it is never written to. Patches that are written as text are not read.
"""

from collections.abc import Iterator

from orlop.services.references import helm
from orlop.services.references.occurrences import Finding, Level, Occurrence, SourceInvalid, Span
from orlop.services.references.parts import digest_in, digest_slot, is_number, value_of
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.yaml_tree import Mapping, Node, Scalar, Sequence, documents, fragment

#: What YAML takes for true or false.
_TRUTH = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n"})


def find(text: str) -> Iterator[Occurrence]:
    """Every image that a kustomization names. Raises SourceInvalid."""
    seen: set[int] = set()
    for document in documents(text):
        if not isinstance(document, Mapping):
            raise SourceInvalid("a kustomization is a mapping")
        # `imageTags` is the name of older kustomizations.
        for key in ("images", "imageTags"):
            yield from replacements(text, document.get(key), key, seen)
        charts = document.get("helmCharts")
        for index, chart in enumerate(charts.items if isinstance(charts, Sequence) else ()):
            values = chart.get("valuesInline") if isinstance(chart, Mapping) else None
            if values is not None:
                yield from helm.find_in(text, values, f"helmCharts[{index}].valuesInline", seen)


def replacements(text: str, entries: Node | None, where: str, seen: set[int]) -> Iterator[Occurrence]:
    """What a list of images that are replaced puts in their place."""
    for index, entry in enumerate(entries.items if isinstance(entries, Sequence) else ()):
        if not isinstance(entry, Mapping) or id(entry) in seen:
            continue
        seen.add(id(entry))
        name = entry.scalar("name")
        if name is not None and name.value.strip():
            yield _replacement(text, entry, name, f"{where}[{index}]")


def _replacement(text: str, entry: Mapping, name: Scalar, where: str) -> Occurrence:
    new_name, tag = _given(entry, "newName"), _given(entry, "newTag")
    repository = new_name or name
    shown = fragment(text, repository)
    span = Span(shown.offsets[0], shown.offsets[-1] + 1)
    key, digest = digest_in(entry, ("digest",))
    written = shown.text + (f":{value_of(tag)}" if tag else "") + (f"@{digest}" if digest else "")
    findings = _not_text(tag)
    if PLACEHOLDER.search(written):
        return filled_in(span, where, written, findings)
    if tag is None and not digest:
        message = "no tag is named here, so the manifests decide"
        note = Finding(Level.NOTE, "manifest-tag", message)
        return Occurrence(span, where, written, None, fixed=message, findings=(*findings, note))
    slot, fixed = (None, findings[0].message) if findings else digest_slot(text, entry, tag, key)
    sources = [part for part in (repository, tag) if part is not None]
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


def _given(entry: Mapping, key: str) -> Scalar | None:
    value = entry.scalar(key)
    return value if value is not None and value.value.strip() else None


def _not_text(tag: Scalar | None) -> tuple[Finding, ...]:
    if tag is None or not (is_number(tag) or (not tag.style and tag.value.lower() in _TRUTH)):
        return ()
    message = f"to YAML the tag {tag.value[:40]} is no text, so Kustomize refuses it; put it in quotation marks"
    return (Finding(Level.ERROR, "number-tag", message),)
