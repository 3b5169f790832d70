"""What refers to a manifest, and what refers to that, as a tree in bounds; also what clients keep under tags for it."""

import asyncio

import msgspec

from orlop.domain import media_types
from orlop.domain.artifacts import kind_of, kind_of_type
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestInvalid, ManifestUnknown, NameUnknown, TagInvalid, Unauthorized
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import fallback_tag, referrers_tags
from orlop.ports.upstream import ContentSource
from orlop.services.content.graph import REFERRER_DEPTH

#: Referrers of one tree.
LISTED = 256
#: Lists that are asked for at the same time.
_ASKED = 8


class Referrer(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest whose subject is the one above it. `tag`: it says no subject, and is found by this tag alone, as
    signatures of cosign were before there was a list of referrers."""

    digest: str
    artifact_type: str
    size: int
    kind: ContentKind = ContentKind.OTHER
    tag: str = ""
    referrers: list["Referrer"] = []


async def referrer_tree(source: ContentSource, subject: Digest) -> tuple[list[Referrer], bool]:
    """The tree, `REFERRER_DEPTH` deep at most; and whether there are more of them than the `LISTED` in it.

    Every manifest stands in it once, nearest to the subject. Raises what the source raises.
    """
    seen, more = {str(subject)}, False
    below: dict[str, list[Referrer]] = {}
    level = [subject]
    for _ in range(REFERRER_DEPTH):
        found: list[Digest] = []
        for start in range(0, len(level), _ASKED):
            asked = level[start : start + _ASKED]
            lists = await asyncio.gather(*(_listed(source, one) for one in asked))
            for above, entries in zip(asked, lists, strict=True):
                for entry in entries:
                    if entry.digest in seen:
                        continue
                    if len(seen) > LISTED:
                        more = True
                        break
                    seen.add(entry.digest)
                    below.setdefault(str(above), []).append(entry)
                    found.append(Digest.stored(entry.digest))
        level = found
        if not level or more:
            break
    tagged = [one for one in await _tagged(source, subject) if one.digest not in seen]
    return [*_grown(str(subject), below), *tagged], more


def _grown(subject: str, below: dict[str, list[Referrer]]) -> list[Referrer]:
    """What refers to a subject, each with what refers to it."""
    return [msgspec.structs.replace(one, referrers=_grown(one.digest, below)) for one in below.get(subject, ())]


async def _listed(source: ContentSource, subject: Digest) -> list[Referrer]:
    """One more than fit a tree, if there is one more."""
    found: list[Referrer] = []
    async for entry in source.referrers(subject):
        if len(found) > LISTED:
            break
        found.append(Referrer(entry.digest, entry.artifact_type, entry.size, kind_of_type(entry.artifact_type)))
    return found


async def _tagged(source: ContentSource, subject: Digest) -> list[Referrer]:
    """What is kept under cosign's tags of the subject. What the fallback tag lists is in the tree."""
    tags = [tag for tag in referrers_tags(subject) if tag != fallback_tag(subject)]
    return [one for one in await asyncio.gather(*(_under(source, tag) for tag in tags)) if one is not None]


async def _under(source: ContentSource, tag: str) -> Referrer | None:
    try:
        content = await source.fetch(tag)
        manifest = parse_manifest(content.content, content.media_type)
    except (ManifestUnknown, NameUnknown, TagInvalid, ManifestInvalid, Unauthorized, Denied):
        return None
    kind = kind_of(manifest)
    artifact_type = "" if content.media_type in media_types.INDEXES else manifest.artifact_type
    return Referrer(str(content.digest), artifact_type, len(content.content), kind, tag)
