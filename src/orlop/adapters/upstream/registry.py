"""Another registry as the port sees it: its repositories, and what can be asked of each."""

from collections.abc import AsyncGenerator, AsyncIterator

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.downloads import download, find_size, length_of
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.listing import PAGE_SIZE, names
from orlop.adapters.upstream.referrers import Referrers
from orlop.adapters.upstream.transport import Answer, Call
from orlop.adapters.upstream.uploads import BlobUpload
from orlop.domain import media_types
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import CANONICAL, Digest, digest_of
from orlop.domain.errors import (
    ContentCorrupt,
    DigestInvalid,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    TagInvalid,
    Unsupported,
)
from orlop.domain.manifest import MAX_BYTES, MAX_SIZE, parse_manifest
from orlop.domain.names import RepositoryName, Tag, parse_reference
from orlop.ports.upstream import BlobOpener, ManifestContent, Origin, Placement

_ACCEPT = ", ".join(
    (media_types.OCI_MANIFEST, media_types.OCI_INDEX, media_types.DOCKER_MANIFEST, media_types.DOCKER_LIST)
)


class RemoteRegistry:
    """The lists of a registry as a whole."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name = name
        self._connection = connection

    async def ping(self) -> None:
        """Whether whoever we are is let in at all. Raises Unauthorized, UpstreamError and so on when not."""
        answer = await self._connection.read(Call("GET", self._connection.base.joinpath("v2", "")))
        if answer.status != 200:
            raise error_of(answer, self._name, Unsupported)

    async def repositories(self, after: str = "") -> AsyncIterator[RepositoryName]:
        """See RepositoryLister. Names outside the grammar, which no client can ask for, are left out."""
        url = self._connection.base.joinpath("v2", "_catalog").with_query(_page(after))
        what = f"repositories of {self._name}"
        async for name in names(self._connection, url, ("registry:catalog:*",), "repositories", what, Unsupported):
            try:
                repository = RepositoryName(name)
            except NameInvalid:
                continue
            yield repository


class RemoteRepository:
    """One repository of a registry; satisfies ContentRepository.

    `writing`: it is there to be pushed to. Then even what is only read there is asked for with the right to push: a
    registry need not let anybody look into a repository that is not there yet, except whoever may make it.
    """

    def __init__(
        self, registry: str, repository: RepositoryName, connection: Connection, *, writing: bool = False
    ) -> None:
        self._origin = Origin(registry, repository)
        self._connection = connection
        self._root = connection.base.joinpath("v2", *repository.split("/"))
        self._push = (f"repository:{repository}:pull,push",)
        self._pull = self._push if writing else (f"repository:{repository}:pull",)
        self._delete = (f"repository:{repository}:delete,pull",)
        self._referrers = Referrers(connection, self._root, self._pull, self.fetch, self._put_tagged)

    @property
    def origin(self) -> Origin:
        """The registry and the repository."""
        return self._origin

    async def resolve(self, reference: str) -> Descriptor:
        """See ManifestReader: a HEAD, which costs nothing against pull limits, where its answer says enough."""
        named = parse_reference(reference)
        answer = await self._manifest("HEAD", named)
        if answer.status in (404, 429):  # who asks too often asks no second time
            raise error_of(answer, self._named(named), ManifestUnknown)
        described = _described(answer, named)
        return described or (await self.fetch(reference)).descriptor

    async def fetch(self, reference: str) -> ManifestContent:
        """See ManifestReader."""
        named = parse_reference(reference)
        answer = await self._manifest("GET", named)
        if answer.status != 200:
            raise error_of(answer, self._named(named), ManifestUnknown)
        announced = answer.headers.get("docker-content-digest", "")
        expected = named if isinstance(named, Digest) else _digest_or_none(announced)
        actual = digest_of(answer.body, expected.algorithm if expected else CANONICAL)
        if expected is not None and expected != actual:
            raise ContentCorrupt(f"{self._named(named)} does not match its digest; the bytes that came are {actual}")
        try:
            manifest = parse_manifest(answer.body, answer.headers.get("content-type", ""))
        except ManifestInvalid as cause:
            raise ManifestInvalid(f"{self._named(named)}: {cause.message}") from cause
        return ManifestContent(actual, manifest.media_type, answer.body)

    async def stat_blob(self, digest: Digest) -> int | None:
        """See BlobReader."""
        return await find_size(self._connection, self._root.joinpath("blobs", digest), self._pull)

    def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """See BlobReader."""
        return download(self._connection, self._root.joinpath("blobs", digest), self._pull, digest, size, offset)

    def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        """See ReferrerLister."""
        return self._referrers.of(subject, artifact_type)

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        """See TagLister. Names that are no tags by the specification's grammar are left out."""
        url = self._root.joinpath("tags", "list").with_query(_page(after))
        what = f"tags of {self._origin.registry}/{self._origin.repository}"
        async for name in names(self._connection, url, self._pull, "tags", what, NameUnknown):
            try:
                tag = Tag(name)
            except TagInvalid:
                continue
            yield tag

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """See BlobPusher."""
        upload = BlobUpload(self._connection, self._origin.repository, self._push, digest, size, content)
        return await upload.run(mount_from)

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """See ManifestPusher: one PUT per tag, or one by digest."""
        parsed = parse_manifest(manifest.content, manifest.media_type)
        left: list[Tag] = [Tag(tag) for tag in tags]
        if manifest.digest.algorithm != CANONICAL or not left:
            # A PUT by tag is stored under its sha256; another digest has to be named, with the tags beside it where
            # the registry knows `?tag=` (distribution-spec, main branch, "Pushing Manifests").
            answer = await self._put(manifest, manifest.digest, tuple(left))
            accepted = {tag.strip() for tag in answer.headers.get("oci-tag", "").split(",")}
            left = [tag for tag in left if tag not in accepted]
        else:
            answer = await self._put(manifest, left.pop(0))
        if parsed.subject is not None and "oci-subject" not in answer.headers:
            await self._referrers.add(manifest, parsed, parsed.subject)
        for tag in left:
            await self._put(manifest, tag)

    async def untag(self, tag: str) -> None:
        """See ManifestRemover. Registries without this ability take the tag for a digest, and refuse it as one."""
        try:
            await self._remove(Tag(tag))
        except DigestInvalid as cause:
            raise Unsupported(f"{self._origin.registry} removes no tags, only manifests by digest") from cause

    async def delete_manifest(self, digest: Digest) -> None:
        """See ManifestRemover."""
        subject = parse_manifest(*_document(await self.fetch(digest))).subject
        await self._remove(digest)
        if subject is not None:
            await self._referrers.remove(digest, subject)

    async def _manifest(self, method: str, named: Tag | Digest) -> Answer:
        url = self._root.joinpath("manifests", named)
        return await self._connection.read(Call(method, url, {"Accept": _ACCEPT}, scopes=self._pull), MAX_BYTES)

    async def _put(self, manifest: ManifestContent, name: str, tags: tuple[Tag, ...] = ()) -> Answer:
        headers = {"Content-Type": manifest.media_type, "Content-Length": str(len(manifest.content))}
        url = self._root.joinpath("manifests", name).with_query([("tag", tag) for tag in tags])
        answer = await self._connection.read(Call("PUT", url, headers, manifest.content, scopes=self._push))
        if answer.status not in (200, 201, 202):
            raise error_of(answer, f"pushing {self._named(name)}", NameUnknown)
        stored = _digest_or_none(answer.headers.get("docker-content-digest", ""))
        if stored and stored.algorithm == manifest.digest.algorithm and stored != manifest.digest:
            raise ContentCorrupt(f"pushing {self._named(name)}: the registry stored {stored}, not {manifest.digest}")
        return answer

    async def _put_tagged(self, manifest: ManifestContent, tag: str) -> None:
        await self._put(manifest, tag)

    async def _remove(self, named: Tag | Digest) -> None:
        url = self._root.joinpath("manifests", named)
        answer = await self._connection.read(Call("DELETE", url, scopes=self._delete))
        if answer.status not in (200, 202, 204):
            raise error_of(answer, f"removing {self._named(named)}", ManifestUnknown)

    def _named(self, name: str) -> str:
        joint = "@" if ":" in name else ":"
        return f"{self._origin.registry}/{self._origin.repository}{joint}{name}"


def _page(after: str) -> dict[str, str]:
    return {"n": str(PAGE_SIZE)} | ({"last": after} if after else {})


def _described(answer: Answer, named: Tag | Digest) -> Descriptor | None:
    """The descriptor that the headers of a HEAD give; None where they do not say all of it, or the HEAD failed."""
    digest = _digest_or_none(answer.headers.get("docker-content-digest", "")) or (
        named if isinstance(named, Digest) else None
    )
    media_type = media_types.essence(answer.headers.get("content-type", ""))
    size = length_of(answer)
    if answer.status != 200 or digest is None or media_type not in media_types.MANIFESTS or not size:
        return None
    if size > MAX_SIZE or (isinstance(named, Digest) and named != digest):
        return None
    return Descriptor(media_type=media_type, digest=digest, size=size)


def _digest_or_none(text: str) -> Digest | None:
    try:
        return Digest(text)
    except DigestInvalid:
        return None


def _document(manifest: ManifestContent) -> tuple[bytes, str]:
    return manifest.content, manifest.media_type
