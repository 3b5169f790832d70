"""The referrers of a manifest: those that say so themselves, and those that clients listed under the fallback tag.

Both directions of the tag schema are covered: an index that a client pushed under the fallback tag shows up in the
list, and a client that asks for the tag although nobody pushed it gets the list (distribution-spec, "Unavailable
Referrers API").
"""

import re

import msgspec

from orlop.domain.descriptor import Descriptor, index_of
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ManifestInvalid
from orlop.domain.manifest import parse_referrers
from orlop.domain.media_types import OCI_INDEX
from orlop.domain.names import RepositoryName, Tag, fallback_tag
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.ports.catalog import Browse, StoredManifest
from orlop.ports.catalog import Manifests as ManifestRows

#: A fallback tag that says its whole subject; those of sha512 are cut off and say too little.
_FALLBACK = re.compile(r"sha256-([0-9a-f]{64})", re.ASCII)

#: How many referrers an index under the fallback tag lists: as many as a client of such a tag can be asked to read, and
#: as fit one page in bytes.
_FALLBACK_SIZE = 1_000


class Referrers:
    """Lists by digest, in pages."""

    def __init__(self, browse: Browse, manifests: ManifestRows) -> None:
        self._browse = browse
        self._manifests = manifests

    async def page(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, page: PageRequest
    ) -> Page[Descriptor]:
        """A page of the referrers of `subject`, of one artifact type if given; empty when nothing refers to it."""
        own = await self._browse.referrers(repository, subject, artifact_type, page)
        listed = await self._listed(repository, subject)
        if not listed or not page.size:
            return own
        known = {descriptor.digest for descriptor in own.items}
        last = own.items[-1].digest if own.more else None
        merged = list(own.items)
        for entry in listed:
            wanted = artifact_type is None or entry.artifact_type == artifact_type
            if (
                wanted
                and entry.digest not in known
                and entry.digest > page.after
                and (last is None or entry.digest < last)
            ):
                merged.append(entry)
        merged.sort(key=lambda descriptor: descriptor.digest)
        return page_of(merged, page, more=own.more)

    async def fallback(self, repository: RepositoryName, tag: Tag) -> StoredManifest | None:
        """The index that stands for a fallback tag nobody pushed; None when nothing refers to its subject."""
        match = _FALLBACK.fullmatch(tag)
        if match is None:
            return None
        subject = Digest.stored(f"sha256:{match[1]}")
        own = await self._browse.referrers(repository, subject, None, PageRequest(_FALLBACK_SIZE))
        if not own.items:
            return None
        content = msgspec.json.encode(index_of(list(own.items), OCI_INDEX), enc_hook=str)
        return StoredManifest(digest_of(content), OCI_INDEX, content)

    async def _listed(self, repository: RepositoryName, subject: Digest) -> list[Descriptor]:
        index = await self._manifests.resolve(repository, fallback_tag(subject))
        if index is None:
            return []
        try:
            entries = parse_referrers(index.content, index.media_type, index.digest, subject)
        except ManifestInvalid:
            return []  # stored by a release that read manifests differently: not a list of referrers to this one
        return list({entry.digest: entry for entry in entries}.values())
