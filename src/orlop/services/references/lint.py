"""What each reference in a text really means, and what is to be said about it."""

from collections.abc import Callable, Iterator

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.references import (
    DEFAULT_REGISTRY,
    DEFAULT_TAG,
    ImageReference,
    is_image_id,
    parse_image_reference,
)
from orlop.services.references import compose, dockerfile, helm, kubernetes, kustomize
from orlop.services.references.occurrences import (
    MAX_OCCURRENCES,
    MAX_TEXT,
    Finding,
    Format,
    Level,
    Lines,
    Occurrence,
    Place,
    SourceInvalid,
    TooManyReferences,
)

_FINDERS: dict[Format, Callable[[str], Iterator[Occurrence]]] = {
    Format.DOCKERFILE: dockerfile.find,
    Format.KUBERNETES: kubernetes.find,
    Format.HELM: helm.find,
    Format.KUSTOMIZE: kustomize.find,
}


#: What is said of references that nobody pulls as they stand there.
_ONLY_NOTED = frozenset({"built-here", "cache-source"})


class Examined(msgspec.Struct, frozen=True):
    """One reference of a text: where it stands, what it means (None where that is not known), what is said about it."""

    occurrence: Occurrence
    place: Place
    reference: ImageReference | None
    findings: tuple[Finding, ...]


def lint(text: str, form: Format, variables: dict[str, str] | None = None) -> tuple[Examined, ...]:
    """Every reference in `text`, in its order, with the `variables` of the file beside a Compose file.

    Raises SourceInvalid.
    """
    if len(text) > MAX_TEXT:
        raise SourceInvalid(f"more than {MAX_TEXT} characters")
    found: list[Occurrence] = []
    occurrences = compose.find(text, variables or {}) if form is Format.COMPOSE else _FINDERS[form](text)
    for occurrence in occurrences:
        found.append(occurrence)
        if len(found) > MAX_OCCURRENCES:
            raise TooManyReferences
    found.sort(key=lambda occurrence: occurrence.span)
    lines = Lines(text)
    return tuple(_examine(occurrence, lines.place(occurrence.span), form) for occurrence in found)


def _examine(occurrence: Occurrence, place: Place, form: Format) -> Examined:
    if occurrence.text is None:
        return Examined(occurrence, place, None, occurrence.findings)
    try:
        reference = parse_image_reference(occurrence.text)
    except RegistryError as error:
        finding = Finding(Level.ERROR, "invalid-reference", error.message)
        # Builders take none of these; whoever only runs an image may have it already.
        if form is not Format.DOCKERFILE and is_image_id(occurrence.text):
            finding = Finding(
                Level.NOTE, "image-id", "the ID of an image on one machine, which no registry is asked for"
            )
        return Examined(occurrence, place, None, (finding, *occurrence.findings))
    if any(finding.code in _ONLY_NOTED for finding in occurrence.findings):
        return Examined(occurrence, place, reference, occurrence.findings)
    return Examined(occurrence, place, reference, (*_judge(reference), *occurrence.findings))


def _judge(reference: ImageReference) -> Iterator[Finding]:
    if reference.registry_implied:
        message = f"no registry is named, which means {DEFAULT_REGISTRY} to Docker; others may ask other registries"
        yield Finding(Level.WARNING, "implicit-registry", message)
    if reference.library_implied:
        message = f"a name of one component means {reference.repository} on {DEFAULT_REGISTRY}"
        yield Finding(Level.WARNING, "implicit-library", message)
    if reference.digest is not None:
        return
    if reference.tag_implied:
        message = f"no tag is named, which means {DEFAULT_TAG}: whatever was pushed last under that name"
        yield Finding(Level.WARNING, "implicit-latest", message)
    elif reference.tag == DEFAULT_TAG:
        yield Finding(Level.WARNING, "explicit-latest", f"{DEFAULT_TAG} is whatever was pushed last under that name")
    yield Finding(Level.NOTE, "no-digest", "a tag can be moved; only a digest always means the same content")
