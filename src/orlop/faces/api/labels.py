"""End points about labels of repositories and of the manifests that they hold."""

from typing import Annotated

import msgspec
from litestar import Response, get, patch, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from orlop.domain.digest import Digest
from orlop.domain.labels import LABELS_MOST, LabelChange, Labels, parse_selector, version_of
from orlop.domain.names import Reference, RepositoryName, parse_reference
from orlop.faces.api.exchange import (
    PAGE,
    ApiRequest,
    Last,
    Match,
    NoneMatch,
    Size,
    caller_of,
    expected,
    listed,
    page_of,
    replacing,
    tagged,
)
from orlop.ports.labels import Labelled, LabelledRepository
from orlop.services.content.labels import ContentLabels
from orlop.services.management.operations import Operation

Repository = Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")]
Of = Annotated[
    str,
    QueryParameter(
        name="reference",
        max_length=255,
        description="The manifest: its digest, or a tag that points at it now. Empty: the repository itself.",
    ),
]
_Key = Annotated[str, Meta(max_length=320)]
_Pairs = dict[_Key, Annotated[str, Meta(max_length=4096)]]


class LabelsValue(msgspec.Struct, frozen=True):
    """The labels of a repository, or, with a digest, of a manifest of it."""

    repository: str
    digest: str | None
    labels: dict[str, str]

    @classmethod
    def of(cls, labelled: LabelledRepository) -> "LabelsValue":
        return cls(str(labelled.name), None, labelled.labels)


class LabelledValue(msgspec.Struct, frozen=True):
    """A repository, or, with a digest, a manifest of it."""

    repository: str
    digest: str | None

    @classmethod
    def of(cls, labelled: Labelled) -> "LabelledValue":
        return cls(str(labelled.repository), str(labelled.digest) if labelled.digest else None)

    @classmethod
    def key(cls, labelled: Labelled) -> str:
        return f"{labelled.repository}@{labelled.digest}" if labelled.digest else str(labelled.repository)


class LabelsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All labels that there are from now on."""

    labels: _Pairs


class LabelsPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels to set, and keys of those to remove; all others stay."""

    set: _Pairs = {}
    remove: Annotated[tuple[_Key, ...], Meta(max_length=LABELS_MOST)] = ()


def labels(service: ContentLabels) -> list[HTTPRouteHandler]:
    """`/labels`, `/labelled` and `/labelled-repositories`."""

    @get("/labels", operation_id="showLabels", tags=["labels"], operation=Operation.LABEL_READ)
    async def show_labels(request: ApiRequest, repository: Repository, reference: Of = "") -> Response[LabelsValue]:
        """The labels of a repository, or of a manifest of it."""
        name = RepositoryName(repository)
        return _answer(name, *await service.of(caller_of(request), name, _reference(reference)))

    async def changed(request: ApiRequest, repository: str, of: str, change: LabelChange) -> Response[LabelsValue]:
        name = RepositoryName(repository)
        return _answer(name, *await service.change(caller_of(request), name, _reference(of), change))

    @put("/labels", operation_id="putLabels", tags=["labels"], operation=Operation.LABEL_CHANGE)
    async def put_labels(
        request: ApiRequest,
        repository: Repository,
        data: JSONBody[LabelsBody],
        reference: Of = "",
        match: Match = None,
        none_match: NoneMatch = None,
    ) -> Response[LabelsValue]:
        """Say all labels that there are from now on. `If-None-Match: *` where there are none yet."""
        change = LabelChange(sets=data.labels, whole=True, expected=replacing(match, none_match))
        return await changed(request, repository, reference, change)

    @patch("/labels", operation_id="changeLabels", tags=["labels"], operation=Operation.REPOSITORY_LABEL_CHANGE)
    async def change_labels(
        request: ApiRequest,
        repository: Repository,
        data: JSONBody[LabelsPatch],
        reference: Of = "",
        match: Match = None,
    ) -> Response[LabelsValue]:
        """Set and remove labels; all others stay."""
        change = LabelChange(sets=data.set, removes=data.remove, expected=expected(match))
        return await changed(request, repository, reference, change)

    @get("/labelled", operation_id="listLabelled", tags=["labels"], operation=Operation.LABEL_READ)
    async def list_labelled(
        request: ApiRequest,
        selector: Annotated[
            str,
            QueryParameter(
                name="selector",
                max_length=4096,
                description="`KEY=VALUE`, or `KEY` for any value; of several with commas between them all hold.",
            ),
        ],
        place: Annotated[
            str, QueryParameter(name="place", max_length=255, description="A namespace or repository. [everything]")
        ] = "",
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[LabelledValue]]:
        """Repositories and manifests that have labels, by name and digest, as far as the caller may pull them."""
        page = await service.having(caller_of(request), parse_selector(selector), place.strip("/"), page_of(n, last))
        return listed(request, page, LabelledValue.of, LabelledValue.key, n)

    @get(
        "/labelled-repositories",
        operation_id="listLabelledRepositories",
        tags=["labels"],
        operation=Operation.LABEL_READ,
    )
    async def list_labelled_repositories(
        request: ApiRequest, n: Size = PAGE, last: Last = ""
    ) -> Response[list[LabelsValue]]:
        """Repositories that have labels of their own, with these, as far as the caller may pull from them."""
        page = await service.labelled_repositories(caller_of(request), page_of(n, last))
        return listed(request, page, LabelsValue.of, lambda labelled: str(labelled.name), n)

    return [show_labels, put_labels, change_labels, list_labelled, list_labelled_repositories]


def _reference(text: str) -> Reference | None:
    return parse_reference(text) if text else None


def _answer(repository: RepositoryName, digest: Digest | None, found: Labels) -> Response[LabelsValue]:
    value = LabelsValue(str(repository), str(digest) if digest else None, dict(sorted(found.items())))
    return tagged(value, version_of(found))
