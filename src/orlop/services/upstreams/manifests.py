"""Manifests of repositories that show an upstream: what is cached as long as it holds, and else as the upstream says.

A digest is never asked for again. A tag is asked for with HEAD when what was said of it does not hold any more; what
is then not here is fetched by its digest, once for everybody. While the upstream is away what is cached is served.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND, span
from orlop.domain.errors import Denied, ManifestUnknown, RegistryError
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import Reference, RepositoryName, Tag, is_referrers_tag
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.cooling import cooling
from orlop.domain.upstreams.showing import Showing
from orlop.ports.catalog import By, ManifestPush, StoredManifest
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.clock import Clock
from orlop.ports.upstream import ManifestContent
from orlop.ports.upstreams import RemoteContent, Remotes, RemoteTag, RemoteTags
from orlop.services.content.manifests import Manifests
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.ages import made_at
from orlop.services.upstreams.answers import MISSING, for_clients
from orlop.services.upstreams.misses import Misses
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.transfer import actor
from orlop.services.upstreams.turns import Turns

T = TypeVar("T")

#: How long a worker remembers that an upstream is away, or the registry read-only, in microseconds.
_AWAY = 5 * SECOND


class FoundManifest(msgspec.Struct, frozen=True):
    """A manifest. Of one that was only asked about the upstream told what describes it, and its content is empty."""

    manifest: StoredManifest
    size: int
    until: int = 0
    """Until when it holds, in microseconds since 1970; 0: until the catalog changes."""
    warning: str = ""
    """What the client should know of it."""

    @property
    def is_described(self) -> bool:
        """Whether there is a content, and it is not here."""
        return self.size > 0 and not self.manifest.content


class _Stays(msgspec.Struct, frozen=True):
    """That a tag leads on to what is cached: what clients should know of it, and until when; 0: as long as it holds."""

    warning: str = ""
    until: int = 0


class ShownManifests:
    """What pulls of manifests come to."""

    def __init__(
        self,
        shown: Upstreams,
        remotes: Remotes,
        tags: RemoteTags,
        manifests: Manifests,
        rows: ManifestRows,
        terms: WriteTerms,
        turns: Turns,
        clock: Clock,
    ) -> None:
        self._shown = shown
        self._remotes = remotes
        self._tags = tags
        self._manifests = manifests
        self._rows = rows
        self._terms = terms
        self._turns = turns
        self._clock = clock
        self._asking: dict[tuple[RepositoryName, Reference, bool], asyncio.Task[FoundManifest]] = {}
        self._missing = Misses(clock)

    async def resolve(
        self, repository: RepositoryName, reference: Reference, *, head: bool, need: Need = Need.FIRST
    ) -> FoundManifest:
        """The manifest behind a tag or digest. `head`: it is enough to describe it. Raises ManifestUnknown,
        TooManyRequests, Unavailable."""
        showing = await self._shown.of(repository)
        remote = showing.remote(repository) if showing is not None else None
        if showing is None or remote is None:
            return _whole(await self._manifests.resolve(repository, reference))
        found = await self._rows.resolve(repository, reference)
        if found is not None:
            if isinstance(reference, Digest):
                return _whole(found)
            said = await self._tags.get(repository, reference)
            holds = said.checked_at + showing.holds(reference) if said is not None and not said.gone_since else 0
            stays = await self._stays(showing, said, found) if said is not None and holds > self._clock.now() else None
            if stays is not None:
                return _whole(found, until=min(holds, stays.until or holds), warning=stays.warning)
        else:
            self._missing.refuse(repository, reference)
        key = repository, reference, head and found is None
        return await self._together(
            key, lambda: self._ask(showing, remote, repository, reference, found, need, head=head)
        )

    async def close(self) -> None:
        """Break off what is asked for that nobody waits for any more."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _together(
        self, key: tuple[RepositoryName, Reference, bool], ask: Callable[[], Awaitable[FoundManifest]]
    ) -> FoundManifest:
        """What asking comes to, once for all who ask for the same at a time; whoever leaves does not end it."""
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(_done(ask))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(
        self,
        showing: Showing,
        remote: RepositoryName,
        repository: RepositoryName,
        reference: Reference,
        found: StoredManifest | None,
        need: Need,
        *,
        head: bool,
    ) -> FoundManifest:
        try:
            if isinstance(reference, Tag):
                return await self._tag(showing, remote, repository, reference, found, need, head=head)
            if head:
                described = await (await self._remotes.repository(showing, remote, need)).resolve(reference)
                return FoundManifest(StoredManifest(reference, described.media_type, b""), described.size)
            return await self._fetched(showing, remote, repository, reference, (), need)
        except MISSING as failure:
            missing = for_clients(failure, ManifestUnknown)
            if isinstance(reference, Tag):
                return await self._gone(showing, repository, reference, found, missing)
            raise self._missing.remember(repository, reference, missing) from failure
        except RegistryError as failure:
            if found is not None:
                warning = f"{showing.upstream.host} could not be asked, and this is cached: {failure.message}"
                return _whole(found, until=self._clock.now() + _AWAY, warning=warning)
            told = for_clients(failure, ManifestUnknown)
            if isinstance(told, ManifestUnknown):
                self._missing.remember(repository, reference, told)
            raise told from failure

    async def _tag(
        self,
        showing: Showing,
        remote: RepositoryName,
        repository: RepositoryName,
        tag: Tag,
        found: StoredManifest | None,
        need: Need,
        *,
        head: bool,
    ) -> FoundManifest:
        """What the upstream says of a tag now. Raises what asking it does."""
        asked = Need.AGAIN if found is not None and need is Need.FIRST else need
        content = await self._remotes.repository(showing, remote, asked)
        described = await content.resolve(tag)
        said = await self._said(showing, content, repository, tag, Digest(described.digest))
        until = said.checked_at + showing.holds(tag)
        digest = said.digest
        stays = await self._stays(showing, said, found) if found is not None else None
        if found is not None and stays is not None:
            return _whole(found, until=min(until, stays.until or until), warning=stays.warning)
        cools_until = cooling(showing.upstream.cool_down, said.moved_at)
        if found is None and cools_until > said.checked_at:
            raise ManifestUnknown(
                f"{tag} is newer at {showing.upstream.host} than the {showing.upstream.cool_down} that it has to be"
                " there before it is shown here; pull it by its digest if you know what it is",
                {"digest": digest},
            )
        known = await self._rows.resolve(repository, digest)
        if known is None and head:
            return FoundManifest(StoredManifest(digest, described.media_type, b""), described.size, until)
        if known is None:
            fetched = await self._fetched(showing, remote, repository, digest, (tag,), need)
            return msgspec.structs.replace(fetched, until=until)
        stored, refusal = await self._store(showing, repository, known, (tag,))
        return _whole(stored, until=until, warning=refusal)

    async def _stays(self, showing: Showing, said: RemoteTag, found: StoredManifest) -> _Stays | None:
        """Why a tag leads on to what is cached, though the upstream said what it said; None where it does not."""
        if said.digest == found.digest:
            return _Stays()
        cools_until = cooling(showing.upstream.cool_down, said.moved_at)
        if cools_until > self._clock.now():
            return _Stays(
                f"{said.tag} moved at {showing.upstream.host} a short while ago; this is what it led to before",
                cools_until,
            )
        try:
            terms = await self._terms.cached(showing.path, said.repository, (said.tag,))
        except Denied as read_only:  # which may end by itself, and nothing would tell
            return _Stays(read_only.message, self._clock.now() + _AWAY)
        refusal = terms.overwrite.get(said.tag)
        return _Stays(refusal.message) if refusal is not None else None

    async def _said(
        self, showing: Showing, content: RemoteContent, repository: RepositoryName, tag: Tag, digest: Digest
    ) -> RemoteTag:
        """Write down what the upstream says of a tag. Of one that cools down and was never asked for, what it leads to
        tells since when it may have been there, if it does."""
        now, before = self._clock.now(), await self._tags.get(repository, tag)
        moved_at = before.moved_at if before is not None and before.digest == digest else now
        if before is None and showing.upstream.cool_down and not is_referrers_tag(tag):
            moved_at = min(await made_at(content, content, digest) or 0, now)
        said = RemoteTag(repository=repository, tag=tag, digest=digest, checked_at=now, moved_at=moved_at)
        await self._tags.keep(said)
        return said

    async def _fetched(
        self,
        showing: Showing,
        remote: RepositoryName,
        repository: RepositoryName,
        digest: Digest,
        tags: tuple[Tag, ...],
        need: Need,
    ) -> FoundManifest:
        """A manifest that is not here: fetched by whoever has the turn, and then here for all."""
        while True:
            async with self._turns.take(repository, digest, actor(showing)) as mine:
                known = await self._rows.resolve(repository, digest)
                if known is None and mine:
                    content = await (await self._remotes.repository(showing, remote, need)).fetch(digest)
                    # What was described to somebody by its tag is fetched by its digest. Tags that cool down wait.
                    cooling_down = bool(showing.upstream.cool_down)
                    leading = () if cooling_down else await self._tags.leading_to(repository, digest)
                    wanted = tuple(dict.fromkeys((*tags, *leading)))
                    stored, refusal = await self._store(showing, repository, _stored(content), wanted)
                    return _whole(stored, warning=refusal)
                if known is not None:
                    stored, refusal = await self._store(showing, repository, known, tags) if tags else (known, "")
                    return _whole(stored, warning=refusal)

    async def _store(
        self, showing: Showing, repository: RepositoryName, manifest: StoredManifest, tags: tuple[Tag, ...]
    ) -> tuple[StoredManifest, str]:
        """Keep a manifest, and point tags at it; and why that was refused, if it was: it is served all the same. Where
        rules refuse some of the tags it is kept without any."""
        parsed = parse_manifest(manifest.content, manifest.media_type)
        who = By(actor(showing), self._clock.now())
        refused = ""
        for pointing in dict.fromkeys((tags, tags[:1], ())):
            push = ManifestPush(repository, manifest.digest, manifest.content, parsed, pointing, lazy=True)
            try:
                await self._kept(showing, push, who)
            except Denied as refusal:
                refused = refused or refusal.message
            else:
                return await self._rows.resolve(repository, manifest.digest) or manifest, refused if tags else ""
        return manifest, refused

    async def _kept(self, showing: Showing, push: ManifestPush, who: By) -> None:
        await self._terms.keep(
            lambda: self._terms.cached(showing.path, push.repository, push.tags),
            lambda terms: self._rows.put(msgspec.structs.replace(push, terms=terms), who),
        )

    async def _gone(
        self,
        showing: Showing,
        repository: RepositoryName,
        tag: Tag,
        found: StoredManifest | None,
        missing: RegistryError,
    ) -> FoundManifest:
        """A tag that the upstream does not have: the last one is served for as long as set."""
        now = self._clock.now()
        if found is None:
            if is_referrers_tag(tag):  # a list of what refers to a manifest, which nobody pushed
                return _whole(await self._manifests.resolve(repository, tag), until=now + showing.holds(tag))
            raise self._missing.remember(repository, tag, missing)
        before = await self._tags.get(repository, tag)
        since = before.gone_since if before is not None and before.gone_since else now
        moved_at = before.moved_at if before is not None else now
        said = RemoteTag(
            repository=repository, tag=tag, digest=found.digest, checked_at=now, moved_at=moved_at, gone_since=since
        )
        await self._tags.keep(said)
        kept = span(showing.upstream.keep_vanished) if showing.upstream.keep_vanished else 0
        if since + kept <= now:
            await self._rows.untag(repository, tag, By(actor(showing), now))
            await self._tags.forget(repository, tag)
            raise self._missing.remember(repository, tag, missing)
        warning = f"{showing.upstream.host} does not have this tag any more, and this is what it led to"
        return _whole(found, until=now + showing.holds(tag), warning=warning)


async def _done(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()


def _whole(manifest: StoredManifest, *, until: int = 0, warning: str = "") -> FoundManifest:
    return FoundManifest(manifest, len(manifest.content), until, warning)


def _stored(content: ManifestContent) -> StoredManifest:
    return StoredManifest(content.digest, content.media_type, content.content)
