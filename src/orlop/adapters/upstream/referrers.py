"""What points at a manifest: by the referrers API, or by the tag that clients keep where a registry has none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from yarl import URL

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.listing import pages
from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor, index_of
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ManifestInvalid, ManifestUnknown, NameUnknown
from orlop.domain.manifest import Manifest, parse_referrers
from orlop.domain.names import fallback_tag
from orlop.ports.upstream import ManifestContent, UpstreamError

#: Answers of registries that do not know the referrers API; the specification says 404.
_NO_API = frozenset({400, 404, 405, 501})

Fetch = Callable[[str], Awaitable[ManifestContent]]
Put = Callable[[ManifestContent, str], Awaitable[None]]


class Referrers:
    """The referrers of one repository. `fetch` and `put` read and write its manifests by tag."""

    def __init__(self, connection: Connection, root: URL, scopes: tuple[str, ...], fetch: Fetch, put: Put) -> None:
        self._connection = connection
        self._root = root
        self._scopes = scopes
        self._fetch = fetch
        self._put = put
        self._turn = asyncio.Lock()

    async def of(self, subject: Digest, artifact_type: str) -> AsyncIterator[Descriptor]:
        """See ReferrerLister.referrers. A filter is applied here too, because registries need not know it."""
        async for entry in self._entries(subject, artifact_type):
            if not artifact_type or entry.artifact_type == artifact_type:
                yield entry

    async def _entries(self, subject: Digest, artifact_type: str) -> AsyncIterator[Descriptor]:
        url = self._root.joinpath("referrers", subject)
        url = url.with_query({"artifactType": artifact_type}) if artifact_type else url
        what = f"referrers of {subject} at {self._root.authority}"
        async for answer in pages(self._connection, url, self._scopes, media_types.OCI_INDEX, what):
            content_type = media_types.essence(answer.headers.get("content-type", ""))
            if answer.status in _NO_API or (answer.status == 200 and content_type != media_types.OCI_INDEX):
                for entry in await self._tagged(subject):
                    yield entry
                return
            if answer.status != 200:
                raise error_of(answer, what, NameUnknown)
            try:
                digest = digest_of(answer.body, subject.algorithm)
                entries = parse_referrers(answer.body, content_type, digest, subject)
            except ManifestInvalid as cause:
                raise UpstreamError(f"{what}: {cause.message}") from cause
            for entry in entries:
                yield entry

    async def add(self, referrer: ManifestContent, manifest: Manifest, subject: Digest) -> None:
        """List a manifest that was just pushed, under the fallback tag.

        "Pushing Manifests with Subject", for answers without OCI-Subject: pull the list, append, push it back. Two
        clients that do so at once lose one entry; the specification has no remedy for that.
        """
        async with self._turn:
            entries = await self._tagged(subject)
            if any(entry.digest == referrer.digest for entry in entries):
                return
            added = Descriptor(
                media_type=referrer.media_type,
                digest=str(referrer.digest),
                size=len(referrer.content),
                artifact_type=manifest.artifact_type,
                annotations=manifest.annotations,
            )
            await self._write(subject, [*entries, added])

    async def remove(self, referrer: Digest, subject: Digest) -> None:
        """Take a deleted manifest off the list under the fallback tag, where there is one."""
        async with self._turn:
            entries = await self._tagged(subject)
            left = [entry for entry in entries if entry.digest != referrer]
            if len(left) < len(entries):
                await self._write(subject, left)

    async def _write(self, subject: Digest, entries: list[Descriptor]) -> None:
        content = msgspec.json.encode(index_of(entries, media_types.OCI_INDEX))
        index = ManifestContent(digest_of(content), media_types.OCI_INDEX, content)
        await self._put(index, fallback_tag(subject))

    async def _tagged(self, subject: Digest) -> list[Descriptor]:
        try:
            found = await self._fetch(fallback_tag(subject))
        except (ManifestUnknown, NameUnknown, ManifestInvalid):
            return []
        return parse_referrers(found.content, found.media_type, found.digest, subject)
