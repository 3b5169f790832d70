"""Manifests of repositories that show an upstream: what is cached as long as it holds, and else as the upstream says.

A digest is never asked for again. A tag is asked for with HEAD when what was said of it does not hold any more; what
is then not here is fetched by its digest, once for everybody. While the upstream is away what is cached is served.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND, span
from orlop.domain.errors import Denied, ManifestUnknown, NameUnknown, RegistryError
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import Reference, RepositoryName, Tag, is_referrers_tag
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.cooling import cooling
from orlop.domain.upstreams.showing import Showing
from orlop.ports.catalog import By, ManifestPush, StoredManifest
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.clock import Clock
from orlop.ports.upstream import ManifestContent
from orlop.ports.upstreams import Remotes, RemoteTag, RemoteTags
from orlop.services.content.manifests import Manifests
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.answers import AWAY, for_clients
from orlop.services.upstreams.shown import Shown
from orlop.services.upstreams.transfer import actor
from orlop.services.upstreams.turns import Turns

T = TypeVar("T")

#: How long a worker remembers that an upstream does not have something, and that it is away, in microseconds.
_MISSING, _AWAY = 10 * SECOND, 5 * SECOND
#: Of how many references a worker remembers that they are missing.
_REMEMBERED = 10_000


class Found(msgspec.Struct, frozen=True):
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


class ShownManifests:
    """What pulls of manifests come to."""

    def __init__(
        self,
        shown: Shown,
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
        self._asking: dict[tuple[RepositoryName, Reference, bool], asyncio.Task[Found]] = {}
        self._missing: OrderedDict[tuple[RepositoryName, Reference], tuple[int, RegistryError]] = OrderedDict()

    async def resolve(
        self, repository: RepositoryName, reference: Reference, *, head: bool, need: Need = Need.FIRST
    ) -> Found:
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
            if holds > self._clock.now():
                return _whole(found, until=holds)
        self._refuse_missing(repository, reference)
        key = repository, reference, head and found is None
        return await self._together(
            key, lambda: self._ask(showing, remote, repository, reference, found, need, head=head)
        )

    async def _together(
        self, key: tuple[RepositoryName, Reference, bool], ask: Callable[[], Awaitable[Found]]
    ) -> Found:
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
    ) -> Found:
        try:
            if isinstance(reference, Tag):
                return await self._tag(showing, remote, repository, reference, found, need, head=head)
            return await self._fetched(showing, remote, repository, reference, (), need)
        except AWAY as failure:
            if found is None:
                raise for_clients(failure, ManifestUnknown) from failure
            warning = f"{showing.upstream.host} could not be asked, and this is cached: {failure.message}"
            return _whole(found, until=self._clock.now() + _AWAY, warning=warning)
        except (ManifestUnknown, NameUnknown) as failure:
            missing = for_clients(failure, ManifestUnknown)
            if isinstance(reference, Tag):
                return await self._gone(showing, repository, reference, found, missing)
            raise self._remember_missing(repository, reference, missing) from failure

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
    ) -> Found:
        """What the upstream says of a tag now. Raises what asking it does."""
        asked = Need.AGAIN if found is not None and need is Need.FIRST else need
        content = await self._remotes.repository(showing, remote, asked)
        described = await content.resolve(tag)
        said = await self._said(repository, tag, Digest(described.digest))
        until = said.checked_at + showing.holds(tag)
        digest = said.digest
        if found is not None and found.digest == digest:
            return _whole(found, until=until)
        cools_until = cooling(showing.upstream.cool_down, said.moved_at)
        if found is not None and cools_until > said.checked_at:
            warning = f"{tag} moved at {showing.upstream.host} a short while ago; this is what it led to before"
            return _whole(found, until=min(until, cools_until), warning=warning)
        known = await self._rows.resolve(repository, digest)
        if known is None and head:
            return Found(StoredManifest(digest, described.media_type, b""), described.size, until)
        if known is None:
            fetched = await self._fetched(showing, remote, repository, digest, (tag,), need)
            return msgspec.structs.replace(fetched, until=until)
        stored, refusal = await self._store(showing, repository, known, (tag,))
        if refusal and found is not None:
            return _whole(found, until=until, warning=refusal)
        return _whole(stored, until=until)

    async def _said(self, repository: RepositoryName, tag: Tag, digest: Digest) -> RemoteTag:
        """Write down what the upstream says of a tag."""
        now, before = self._clock.now(), await self._tags.get(repository, tag)
        moved_at = before.moved_at if before is not None and before.digest == digest else now
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
    ) -> Found:
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
                    return _whole(known)

    async def _store(
        self, showing: Showing, repository: RepositoryName, manifest: StoredManifest, tags: tuple[Tag, ...]
    ) -> tuple[StoredManifest, str]:
        """Keep a manifest, and point tags at it; and why that was refused, if it was: it is served all the same."""
        parsed = parse_manifest(manifest.content, manifest.media_type)
        push = ManifestPush(repository, manifest.digest, manifest.content, parsed, tags, lazy=True)
        who = By(actor(showing), self._clock.now())
        try:
            await self._terms.keep(
                lambda: self._terms.cached(showing.path, repository, tags),
                lambda terms: self._rows.put(msgspec.structs.replace(push, terms=terms), who),
            )
        except Denied as refusal:
            return manifest, refusal.message
        return await self._rows.resolve(repository, manifest.digest) or manifest, ""

    async def _gone(
        self,
        showing: Showing,
        repository: RepositoryName,
        tag: Tag,
        found: StoredManifest | None,
        missing: RegistryError,
    ) -> Found:
        """A tag that the upstream does not have: the last one is served for as long as set."""
        now = self._clock.now()
        if found is None:
            if is_referrers_tag(tag):  # a list of what refers to a manifest, which nobody pushed
                return _whole(await self._manifests.resolve(repository, tag), until=now + showing.holds(tag))
            raise self._remember_missing(repository, tag, missing)
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
            raise self._remember_missing(repository, tag, missing)
        warning = f"{showing.upstream.host} does not have this tag any more, and this is what it led to"
        return _whole(found, until=now + showing.holds(tag), warning=warning)

    def _refuse_missing(self, repository: RepositoryName, reference: Reference) -> None:
        until, failure = self._missing.get((repository, reference), (0, None))
        if failure is not None and until > self._clock.now():
            raise failure

    def _remember_missing(
        self, repository: RepositoryName, reference: Reference, failure: RegistryError
    ) -> RegistryError:
        self._missing[repository, reference] = self._clock.now() + _MISSING, failure
        if len(self._missing) > _REMEMBERED:
            self._missing.popitem(last=False)
        return failure


async def _done(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()


def _whole(manifest: StoredManifest, *, until: int = 0, warning: str = "") -> Found:
    return Found(manifest, len(manifest.content), until, warning)


def _stored(content: ManifestContent) -> StoredManifest:
    return StoredManifest(content.digest, content.media_type, content.content)
