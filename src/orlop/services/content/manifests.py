"""Manifests by tag and digest: storing what is sound, finding what was stored, deleting."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain import media_types
from orlop.domain.access import Caller
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import DigestInvalid, ManifestUnknown, Stale
from orlop.domain.manifest import Manifest, parse_manifest
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.quarantine.landing import lands
from orlop.ports.catalog import ManifestPush, StoredManifest, by
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.clock import Clock
from orlop.ports.terms import Terms
from orlop.services.content.referrers import Referrers
from orlop.services.tags.terms import WriteTerms

#: Manifests above this size are parsed in a thread, in bytes: they would hold up the event loop for milliseconds.
_PARSE_INLINE = 128 * 1024


#: What tags are to point at when a write comes; None: the tag is not to be there.
Expected = Mapping[Tag, Digest | None]


class Pushed(msgspec.Struct, frozen=True):
    """What became of a push."""

    digest: Digest
    subject: Digest | None
    tags: tuple[Tag, ...]
    held: bool = False
    """It waits in quarantine, without its tags."""
    warning: str = ""
    """What the client is to know of it."""


class GatedPush(msgspec.Struct, frozen=True):
    """A push that goes on: the version of the settings by which it does, and what the client is to know of it."""

    settings: int
    warning: str = ""


class PushGate(Protocol):
    """What holds manifests back before they are stored."""

    def clear(self, repository: RepositoryName) -> bool:
        """Whether it is remembered that nothing is held back there. Costs about a microsecond."""
        ...

    async def check(
        self, caller: Caller, repository: RepositoryName, reference: Reference, digest: Digest, manifest: Manifest
    ) -> GatedPush:
        """Let a push go on. Raises Denied where it does not; ManifestBlobUnknown, Unavailable."""
        ...

    def warned(self, caller: Caller, repository: RepositoryName, digest: Digest, tag: str, sentence: str) -> None:
        """What was warned of is stored."""
        ...


class Sight(Protocol):
    """What of a repository is hidden from some."""

    async def hides(self, caller: Caller, repository: RepositoryName, digest: Digest) -> bool:
        """Whether a manifest is not to be known to somebody who may pull there. Raises Unavailable."""
        ...


class Manifests:
    """`sparse_indexes`: an index may name manifests that its repository does not hold. `sight`: what is hidden."""

    def __init__(
        self,
        rows: ManifestRows,
        referrers: Referrers,
        terms: WriteTerms,
        clock: Clock,
        *,
        sparse_indexes: bool,
        gate: PushGate | None = None,
        sight: Sight | None = None,
    ) -> None:
        self._gate = gate
        self._sight = sight
        self._rows = rows
        self._referrers = referrers
        self._terms = terms
        self._clock = clock
        self._sparse_indexes = sparse_indexes

    async def resolve(self, repository: RepositoryName, reference: Reference) -> StoredManifest:
        """The manifest behind a tag or digest, in one query. Raises ManifestUnknown.

        The tag under which clients of older registries look for referrers leads to a list of them, also when nobody
        ever pushed one.
        """
        found = await self._rows.resolve(repository, reference)
        if found is None and isinstance(reference, Tag):
            found = await self._referrers.fallback(repository, reference)
        if found is None:
            raise unknown_manifest(repository, reference)
        return found

    async def seen(self, repository: RepositoryName, reference: Reference, caller: Caller) -> StoredManifest:
        """The same for somebody who may pull there. Raises ManifestUnknown, also for what is hidden from them."""
        found = await self.resolve(repository, reference)
        await self.check_seen(repository, reference, found.digest, caller)
        return found

    async def check_seen(
        self, repository: RepositoryName, reference: Reference, digest: Digest, caller: Caller
    ) -> None:
        """Raises ManifestUnknown for what is hidden from somebody."""
        if self._sight is not None and await self._sight.hides(caller, repository, digest):
            raise unknown_manifest(repository, reference)

    async def put(
        self,
        repository: RepositoryName,
        reference: Reference,
        content: bytes,
        content_type: str,
        tags: Sequence[Tag],
        caller: Caller,
        expected: Expected | None = None,
    ) -> Pushed:
        """Store a manifest under its digest, and point `reference`, if it is a tag, and `tags` at it.

        `expected`: what each of the tags points at, or None where it is not there; Stale is raised otherwise.

        Raises ManifestInvalid, ManifestBlobUnknown, DigestInvalid when `reference` is another content's digest, or what
        refuses the caller what the push turns out to be: a new repository, a new manifest, a tag that is set or moved,
        an image that a gate does not let in.
        """
        if len(content) <= _PARSE_INLINE:
            manifest = parse_manifest(content, content_type)
        else:
            manifest = await asyncio.to_thread(parse_manifest, content, content_type)
        if isinstance(reference, Digest):
            digest = digest_of(content, reference.algorithm)
            if digest != reference:
                raise DigestInvalid(
                    f"the manifest has the digest {digest}, not {reference}", {"expected": reference, "actual": digest}
                )
            pointing = tuple(dict.fromkeys(tags))
        else:
            digest = digest_of(content)
            pointing = (reference,)
        held, warning = await self._store(repository, digest, content, manifest, pointing, caller, expected)
        return Pushed(digest, manifest.subject, () if held else pointing, held, warning)

    async def attest(
        self,
        repository: RepositoryName,
        subject: Digest,
        content: bytes,
        caller: Caller,
        expected: Mapping[Tag, Digest | None],
    ) -> None:
        """Store what the registry itself attests of a manifest, and point the tag below which cosign looks for it at
        that: `expected` is what that tag points at. Raises Denied where the tag is another, or a rule keeps it; Stale.
        """
        manifest = parse_manifest(content, media_types.OCI_MANIFEST)
        await self._store(
            repository, digest_of(content), content, manifest, tuple(expected), caller, expected, attests=subject
        )

    async def _store(
        self,
        repository: RepositoryName,
        digest: Digest,
        content: bytes,
        manifest: Manifest,
        tags: tuple[Tag, ...],
        caller: Caller,
        expected: Expected | None,
        *,
        attests: Digest | None = None,
    ) -> tuple[bool, str]:
        """Whether it waits in quarantine, and what the client is to know of it. `attests`: the registry says it of that
        manifest."""
        push = ManifestPush(
            repository,
            digest,
            content,
            manifest,
            tags,
            sparse=self._sparse_indexes and manifest.is_index,
            pushed_id=caller.subject.id,
        )
        who = by(caller, self._clock.now())
        gate, warning = self._gate, ""

        async def made() -> Terms:
            nonlocal warning
            if attests is not None:
                return await self._terms.attesting(repository, attests, expected or {})
            terms = await self._terms.manifest(caller, repository, tags, expected)
            if gate is None or gate.clear(repository):
                return terms
            passed = await gate.check(caller, repository, tags[0] if tags else digest, digest, manifest)
            warning = passed.warning
            return msgspec.structs.replace(terms, settings=min(passed.settings, terms.settings or passed.settings))

        def write(terms: Terms) -> Awaitable[bool]:
            held = terms.quarantine and lands(manifest, tags)
            return self._rows.put(msgspec.structs.replace(push, terms=terms, held=held), who)

        held = await self._terms.keep(made, write)
        if gate is not None and warning:
            gate.warned(caller, repository, digest, tags[0] if tags else "", warning)
        return held, warning

    async def delete(
        self,
        repository: RepositoryName,
        reference: Reference,
        caller: Caller,
        expected: Mapping[Reference, Digest | None] | None = None,
    ) -> None:
        """Remove a manifest with its tags, or a tag alone. `expected`: what `reference` leads to.

        Raises ManifestUnknown; Denied, also for a tag that points at the manifest and may not go; Stale as `put`.
        """
        who = by(caller, self._clock.now())
        if isinstance(reference, Digest):
            digest = reference
            await self.check_seen(repository, digest, digest, caller)
            if expected and expected[digest] != digest:
                await self.resolve(repository, digest)
                raise Stale(f"the manifest {digest} is there, and is not what was expected", {"digest": digest})
            await self._terms.keep(
                lambda: self._terms.removal(caller, repository),
                lambda terms: self._rows.delete(repository, digest, who, terms),
            )
            return
        tag = reference
        of_tag = {tag: expected[tag]} if expected else None
        await self._terms.keep(
            lambda: self._terms.removal(caller, repository, of_tag),
            lambda terms: self._rows.untag(repository, tag, who, terms),
        )


def unknown_manifest(repository: RepositoryName, reference: Reference) -> ManifestUnknown:
    """What a client is told of a manifest that is not there, or that it may not know of."""
    return ManifestUnknown(f"{repository} holds no manifest {reference}", {"reference": reference})
