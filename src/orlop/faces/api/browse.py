"""End points for looking through a registry: what lies at a place, the tags of a repository, and searches."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.access import Visibility
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.names import RepositoryName
from orlop.domain.platforms import parse_platform
from orlop.domain.search import LINE_MOST, HitKind
from orlop.domain.settings import place_words
from orlop.domain.tag_lists import Releases, TagFilter, TagOrder, place
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.ports.browse import RepositoryOrder
from orlop.services.advisories.counts import FindingCounts, ImageCounts
from orlop.services.advisories.reports import VulnerabilityReports
from orlop.services.browse.all import Browsing
from orlop.services.browse.children import Child
from orlop.services.browse.search import Hit, SearchFound
from orlop.services.browse.tags import RuledTag
from orlop.services.management.operations import Gate, Operation

#: A search gives so many of each kind unless asked for another number, and at most so many.
_HITS, _HITS_MOST = 10, 100


class FindingCountsValue(msgspec.Struct, frozen=True):
    """How much is known to be wrong with an image. `state`: waiting, reading, read or unread. Of an index, it is that
    of the image of which least is known, and the counts are those of the image of which most is known to be wrong.
    `accepted`: what exceptions accept, and `cleared`: what VEX documents clear, which the others do not count;
    `fixable`: how much of the others a version mends."""

    state: str
    critical: int
    high: int
    medium: int
    low: int
    none: int
    unknown: int
    accepted: int
    cleared: int
    fixable: int

    @classmethod
    def of(cls, found: FindingCounts) -> "FindingCountsValue":
        """As clients see it."""
        counts = {word: found.counts.get(word, 0) for word in SEVERITIES}
        cleared = {"accepted": found.accepted, "cleared": found.cleared}
        return cls(state=found.state.name.lower(), **counts, **cleared, fixable=found.fixable)


class ChildValue(msgspec.Struct, frozen=True):
    """What lies directly below a namespace. `path`: that of a namespace ends with a slash. The numbers of a namespace
    are of everything below, for those who may edit its rules; null for others. `size`: bytes of manifests and blobs;
    blobs that several repositories hold count in each. `place`: where a list goes on after it.
    `findings`: of a repository, of the tag that was set last; null where they were not asked for, may not be read, or
    are not known."""

    path: str
    kind: str
    visibility: Visibility
    description: str
    repositories: int | None
    tags: int | None
    size: int | None
    pushed_at: values.Time
    pulled_at: values.Time
    pulls: int
    place: str
    findings: FindingCountsValue | None

    @classmethod
    def of(cls, child: Child, findings: FindingCounts | None = None) -> "ChildValue":
        """As clients see it."""
        return cls(
            path=child.path,
            kind="namespace" if child.is_namespace else "repository",
            visibility=child.visibility,
            description=child.description,
            repositories=child.repositories,
            tags=child.tags,
            size=child.size,
            pushed_at=values.time(child.pushed_at),
            pulled_at=values.time(child.pulled_at),
            pulls=child.pulls,
            place=child.place,
            findings=FindingCountsValue.of(findings) if findings is not None else None,
        )


class TagRuleNameValue(msgspec.Struct, frozen=True):
    """A rule for tags: its name, and the namespace or repository that it is of."""

    name: str
    path: str


class ListedTagValue(msgspec.Struct, frozen=True):
    """A tag. `kind`: what it points at; `platforms`: of an index, without entries that are for none, and of a single
    image once its config was read; `size`: bytes of all that it leads to, what several platforms share counted for
    each; `pushed_at`: when it was last pointed at something, by `pushed_by`, which is empty for those who may not read
    the audit log of the repository, unless it was them; `pulled_at`: of what it points at, under whatever name;
    `locked`: why, null where it is not; `rules`: those for tags that are about it, of which one keeps an
    `immutable` one what it is; `findings`: null where they were not asked for, may not be read, or are not known,
    as of an image that was not read yet."""

    name: str
    digest: str
    kind: ContentKind
    media_type: str
    artifact_type: str
    platforms: list[str]
    size: int
    created_at: values.Time
    pushed_at: values.Time
    pushed_by: str
    pulled_at: values.Time
    pulls: int
    locked: str | None
    immutable: bool
    rules: list[TagRuleNameValue]
    findings: FindingCountsValue | None

    @classmethod
    def of(cls, ruled: RuledTag, findings: FindingCounts | None = None) -> "ListedTagValue":
        """As clients see it."""
        tag = ruled.tag
        return cls(
            name=tag.name,
            digest=tag.digest,
            kind=tag.kind,
            media_type=tag.media_type,
            artifact_type=tag.artifact_type,
            platforms=[str(platform) for platform in tag.platforms],
            size=tag.size,
            created_at=values.time(tag.created_at),
            pushed_at=values.time(tag.pushed_at),
            pushed_by=tag.pushed_by,
            pulled_at=values.time(tag.pulled_at),
            pulls=tag.pulls,
            locked=tag.locked or None,
            immutable=ruled.immutable,
            rules=[TagRuleNameValue(name, place_words(path)) for name, path in ruled.rules],
            findings=FindingCountsValue.of(findings) if findings is not None else None,
        )


class HitValue(msgspec.Struct, frozen=True):
    """What was found. `reference`: the tag or digest, null for a repository itself; `content`: what the tag points at;
    `account`: the name of one, where that was found."""

    kind: HitKind
    repository: str | None
    reference: str | None
    digest: str | None
    content: ContentKind | None
    account: str | None

    @classmethod
    def of(cls, hit: Hit) -> "HitValue":
        """As clients see it."""
        return cls(
            hit.kind,
            hit.repository or None,
            hit.reference or None,
            hit.digest or None,
            hit.content,
            hit.account or None,
        )


class MoreHitsValue(msgspec.Struct, frozen=True):
    """A kind of hits of which there are more, or may be: it goes on with `kind` and `last`."""

    kind: HitKind
    last: str


class SearchValue(msgspec.Struct, frozen=True):
    """The hits of a page, and what there is more of. A page may end early, or be empty, where much was looked at."""

    hits: list[HitValue]
    more: list[MoreHitsValue]

    @classmethod
    def of(cls, found: SearchFound) -> "SearchValue":
        """As clients see it."""
        more = [MoreHitsValue(kind, last) for kind, last in found.more.items()]
        return cls([HitValue.of(hit) for hit in found.hits], more)


def browse(
    gate: Gate, browsing: Browsing, counts: ImageCounts, reports: VulnerabilityReports
) -> list[HTTPRouteHandler]:
    """`/browse`, `/tags` and `/search`."""

    @get("/browse", operation_id="browse", tags=["browse"], operation=Operation.REPOSITORY_READ)
    async def list_children(
        request: ApiRequest,
        path: Annotated[
            str, QueryParameter(name="path", max_length=255, description="The namespace; empty: the registry.")
        ] = "",
        sort: Annotated[
            RepositoryOrder,
            QueryParameter(name="sort", description="The order of repositories: by name, last push, or size."),
        ] = RepositoryOrder.NAME,
        findings: Annotated[
            bool,
            QueryParameter(name="findings", description="Tell how much is known to be wrong with each repository."),
        ] = False,
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[ChildValue]]:
        """What lies directly below a namespace, as far as the caller may see it: namespaces by name, then
        repositories."""
        caller = caller_of(request)
        await gate.rights(caller)
        page = await browsing.children.page(caller, path.strip("/"), sort, page_of(n, last))
        found: Mapping[str, FindingCounts] = {}
        if findings:
            names = [RepositoryName(child.path) for child in page.items if not child.is_namespace]
            found = await reports.of(caller, path.strip("/"), names)
        return listed(
            request, page, lambda child: ChildValue.of(child, found.get(child.path)), lambda child: child.place, n
        )

    @get("/tags", operation_id="listTags", tags=["tags"], operation=Operation.TAG_READ)
    async def list_tags(
        request: ApiRequest,
        repository: Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")],
        sort: Annotated[
            TagOrder,
            QueryParameter(
                name="sort",
                description="By name; the newest, those last pulled or the largest first; or by semantic version, the "
                "highest first.",
            ),
        ] = TagOrder.NAME,
        name: Annotated[
            str, QueryParameter(name="name", max_length=128, description="A pattern: `*` is any characters.")
        ] = "",
        type_: Annotated[
            str,
            QueryParameter(
                name="type",
                max_length=255,
                description="image, index, chart, signature, attestation, sbom, cache, model, referrers or other; or a "
                "media type or artifact type.",
            ),
        ] = "",
        platform: Annotated[
            str, QueryParameter(name="platform", max_length=255, description="An image is for it, such as linux/arm64.")
        ] = "",
        only: Annotated[
            Releases | None,
            QueryParameter(name="only", description="Versions that are no pre-releases, or everything else."),
        ] = None,
        findings: Annotated[
            bool, QueryParameter(name="findings", description="Tell how much is known to be wrong with each.")
        ] = False,
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[ListedTagValue]]:
        """The tags of a repository in any order, all of them compared. By name and the newest first a page costs the
        same however many there are."""
        caller = caller_of(request)
        await gate.rights(caller)
        wanted = TagFilter(name, type_, parse_platform(platform) if platform else None, only)
        page = await browsing.tags.page(caller, RepositoryName(repository), sort, wanted, page_of(n, last))
        found: Mapping[str, FindingCounts] = {}
        if findings:
            tagged: dict[Digest, list[str]] = {}
            for ruled in page.items:
                tagged.setdefault(Digest.stored(ruled.tag.digest), []).append(ruled.tag.name)
            found = await counts.of(caller, RepositoryName(repository), tagged)
        return listed(
            request,
            page,
            lambda ruled: ListedTagValue.of(ruled, found.get(ruled.tag.digest)),
            lambda ruled: place(sort, ruled.tag.name, ruled.tag.number(sort)),
            n,
        )

    @get("/search", operation_id="search", tags=["browse"], operation=Operation.REPOSITORY_READ)
    async def search(
        request: ApiRequest,
        q: Annotated[
            str,
            QueryParameter(
                name="q",
                max_length=LINE_MOST,
                description="Words, which are part of the name of a repository or begin a tag, digest or account; "
                "KEY=VALUE for a label or annotation; and `repo:` `tag:` `type:` `label:` `annotation:` `digest:` "
                "`account:` before a value.",
            ),
        ],
        kind: Annotated[HitKind | None, QueryParameter(name="kind", description="Only hits of this kind.")] = None,
        n: Annotated[
            int, QueryParameter(name="n", ge=1, le=_HITS_MOST, description="How many hits of each kind at most.")
        ] = _HITS,
        last: Last = "",
    ) -> SearchValue:
        """What a line of words and filters finds, as far as the caller may see it."""
        caller = caller_of(request)
        await gate.rights(caller)
        return SearchValue.of(await browsing.search.find(caller, q, kind, page_of(n, last)))

    return [list_children, list_tags, search]
