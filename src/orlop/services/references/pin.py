"""Writes digests behind the references of a text, and changes nothing else in it."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.references import ImageReference
from orlop.services.references.lint import Examined, lint
from orlop.services.references.occurrences import Format, Slot, SlotKind, SourceInvalid, Span

#: References asked for at the same time.
_CONCURRENT = 8


class Resolver(Protocol):
    """Knows what tags stand for."""

    async def __call__(self, reference: ImageReference, /) -> Digest:
        """The digest of what the tag of `reference` names now. Raises RegistryError."""
        ...


class PinOutcome(StrEnum):
    """What became of one reference."""

    PINNED = "pinned"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Source(msgspec.Struct, frozen=True):
    """A text to pin."""

    text: str
    form: Format
    variables: dict[str, str] = {}
    """See `lint`."""


class Pinned(msgspec.Struct, frozen=True):
    """One reference and what became of it; `reason` says why where it was not pinned."""

    examined: Examined
    outcome: PinOutcome
    digest: Digest | None = None
    reason: str = ""


class PinnedText(msgspec.Struct, frozen=True):
    """A text with its digests, and every reference in it, in the order of the text."""

    text: str
    references: tuple[Pinned, ...]


class _Edit(NamedTuple):
    span: Span
    replacement: str


async def pin(sources: Sequence[Source], resolve: Resolver, *, update: bool = False) -> list[PinnedText]:
    """Pin every reference that can be, asking once for each distinct one; `update` looks up pinned ones anew.

    What cannot be resolved is left as it is and reported. Raises SourceInvalid for a text that is not what its format
    says.
    """
    examined = [lint(source.text, source.form, source.variables) for source in sources]
    wanted = {key: None for one in examined for item in one if (key := _wanted(item, update=update)) is not None}
    answers = await _resolve_all(list(wanted), resolve)
    return [_pin_text(source, items, answers, update=update) for source, items in zip(sources, examined, strict=True)]


def _wanted(item: Examined, *, update: bool) -> ImageReference | None:
    """What to ask the registry for, in the same form however it was written; None where nothing is to be asked."""
    reference = item.reference
    if reference is None or item.occurrence.slot is None or reference.tag is None:
        return None
    if reference.digest is not None and not update:
        return None
    return ImageReference(registry=reference.registry, repository=reference.repository, tag=reference.tag)


async def _resolve_all(wanted: list[ImageReference], resolve: Resolver) -> dict[ImageReference, Digest | RegistryError]:
    places = asyncio.Semaphore(_CONCURRENT)

    async def ask(reference: ImageReference) -> Digest | RegistryError:
        async with places:
            try:
                return await resolve(reference)
            except RegistryError as error:
                return error

    answers = await asyncio.gather(*(ask(reference) for reference in wanted))
    return dict(zip(wanted, answers, strict=True))


def _pin_text(
    source: Source,
    items: tuple[Examined, ...],
    answers: dict[ImageReference, Digest | RegistryError],
    *,
    update: bool,
) -> PinnedText:
    shared = _shared(items, answers, update=update)
    results: list[Pinned] = []
    edits: dict[Span, _Edit] = {}
    for item in items:
        key = _wanted(item, update=update)
        if key is None:
            results.append(_untouched(item))
            continue
        answer, slot, reference = answers[key], item.occurrence.slot, item.reference
        assert slot is not None
        assert reference is not None
        if isinstance(answer, RegistryError):
            results.append(Pinned(item, PinOutcome.FAILED, reference.digest, answer.message))
        elif answer == reference.digest:
            results.append(Pinned(item, PinOutcome.UNCHANGED, answer))
        elif slot.span in shared:
            results.append(
                Pinned(item, PinOutcome.SKIPPED, reason="what it is written with is part of another reference")
            )
        elif slot.kind is SlotKind.HEX and answer.algorithm != "sha256":
            results.append(Pinned(item, PinOutcome.SKIPPED, reason="its sha key takes only sha256 digests"))
        else:
            edits[slot.span] = _Edit(slot.span, _written(source.text, slot, answer, reference))
            results.append(Pinned(item, PinOutcome.UPDATED if reference.digest else PinOutcome.PINNED, answer))
    text = _apply(source.text, sorted(edits.values()))
    if _means_the_same(msgspec.structs.replace(source, text=text), results):
        return PinnedText(text, tuple(results))
    return PinnedText(source.text, tuple(_withdrawn(result) for result in results))


def _withdrawn(result: Pinned) -> Pinned:
    if result.outcome not in (PinOutcome.PINNED, PinOutcome.UPDATED):
        return result
    reason = "with digests written in, this file would no longer mean the same; it was left as it is"
    return Pinned(result.examined, PinOutcome.FAILED, reason=reason)


def _untouched(item: Examined) -> Pinned:
    reference = item.reference
    if reference is None:
        codes = {finding.code for finding in item.findings}
        reason = item.occurrence.fixed or "; ".join(finding.message for finding in item.findings)
        return Pinned(
            item, PinOutcome.SKIPPED, reason="not a valid reference" if "invalid-reference" in codes else reason
        )
    if reference.digest is not None:
        reason = "" if reference.tag else "it has no tag to look up"
        return Pinned(item, PinOutcome.UNCHANGED, reference.digest, reason)
    return Pinned(item, PinOutcome.SKIPPED, reason=item.occurrence.fixed)


def _shared(
    items: tuple[Examined, ...], answers: dict[ImageReference, Digest | RegistryError], *, update: bool
) -> set[Span]:
    """The slots that cannot be written without changing what another reference means."""
    owners: dict[Span, object] = {}
    shared: set[Span] = set()
    for item in items:
        slot, key = item.occurrence.slot, _wanted(item, update=update)
        if slot is None:
            continue
        owner = answers[key] if key else item.occurrence.text
        if owners.setdefault(slot.span, owner) != owner:
            shared.add(slot.span)
    spans = sorted(owners)
    for item in items:
        own = item.occurrence.slot.span if item.occurrence.slot else None
        for source in item.occurrence.sources:
            index = max(bisect_left(spans, source) - 1, 0)
            while index < len(spans) and spans[index].start < source.end:
                if spans[index] != own and source.start < spans[index].end:
                    shared.add(spans[index])
                index += 1
    return shared


def _written(text: str, slot: Slot, digest: Digest, reference: ImageReference) -> str:
    match slot.kind:
        case SlotKind.DIGEST:
            return f"{slot.before}{digest}"
        case SlotKind.HEX:
            return f"{slot.before}{digest.hex}"
        case _:
            kept = text[slot.span.start : slot.span.end].partition("@")[0]
            # A bare name gets the tag it means, so that it can be looked up again.
            tag = f":{reference.tag}" if slot.kind is SlotKind.REFERENCE and reference.tag_implied else ""
            return f"{kept}{tag}@{digest}"


def _apply(text: str, edits: list[_Edit]) -> str:
    pieces: list[str] = []
    position = 0
    for edit in edits:
        pieces.extend((text[position : edit.span.start], edit.replacement))
        position = edit.span.end
    pieces.append(text[position:])
    return "".join(pieces)


def _means_the_same(pinned: Source, results: list[Pinned]) -> bool:
    """Whether the new text, read again, names the same images with the digests that were meant."""
    try:
        again = lint(pinned.text, pinned.form, pinned.variables)
    except SourceInvalid:
        return False
    return len(again) == len(results) and all(map(_agrees, results, again))


def _agrees(result: Pinned, now: Examined) -> bool:
    before = result.examined
    if before.reference is None or now.reference is None:
        return before.reference is now.reference and before.occurrence.written == now.occurrence.written
    wanted = result.digest if result.outcome in (PinOutcome.PINNED, PinOutcome.UPDATED) else before.reference.digest
    return (now.reference.name, now.reference.tag, now.reference.digest) == (
        before.reference.name,
        before.reference.tag,
        wanted,
    )
