"""End points about namespaces, repositories, sign-on providers, sessions and keys."""

from typing import Annotated, Protocol

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from orlop.domain.access import Caller
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.faces.api import values
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
    whole,
)
from orlop.ports.identity import Namespace
from orlop.services.identity.provider_tests import ProviderTests
from orlop.services.management.all import Management
from orlop.services.management.holdings import RepositoryHoldings
from orlop.services.management.operations import Operation

#: How the root is written where a path is part of an address.
ROOT = "-"


class RepositoryPages(Protocol):
    """Lists repositories as a caller may see them."""

    async def page(self, caller: Caller, page: PageRequest) -> Page[RepositoryName]:
        """The next that the caller may see, in byte order."""
        ...


def namespaces(management: Management) -> list[HTTPRouteHandler]:
    """`/namespaces`. Paths have slashes, so nothing comes behind them."""
    service = management.namespaces

    @get("/namespaces", operation_id="listNamespaces", tags=["namespaces"], operation=Operation.NAMESPACE_READ)
    async def list_namespaces(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        below: Annotated[
            str, QueryParameter(name="below", max_length=255, description="Only those below this one, at any depth.")
        ] = "",
    ) -> Response[list[values.NamespaceValue]]:
        """Namespaces by path, as far as the caller administers them; the root is not among them."""
        page = await service.page(caller_of(request), page_of(n, last), below)
        return listed(request, page, values.NamespaceValue.of, lambda namespace: namespace.path, n)

    @get(
        "/namespaces/{path:path}", operation_id="showNamespace", tags=["namespaces"], operation=Operation.NAMESPACE_READ
    )
    async def show_namespace(request: ApiRequest, path: FromPath[str]) -> Response[values.NamespaceValue]:
        """One namespace; `-` is the root."""
        found = await service.get(caller_of(request), _path(path))
        return tagged(values.NamespaceValue.of(found), found.version)

    @put(
        "/namespaces/{path:path}",
        operation_id="putNamespace",
        tags=["namespaces"],
        operation=Operation.NAMESPACE_CHANGE,
    )
    async def put_namespace(
        request: ApiRequest,
        path: FromPath[str],
        data: JSONBody[values.NamespaceBody],
        match: Match = None,
        none_match: NoneMatch = None,
    ) -> Response[values.NamespaceValue]:
        """Make a namespace, or say who may pull from it without a grant."""
        wanted = Namespace(path=_path(path), visibility=data.visibility, description=data.description)
        made = await service.put(caller_of(request), wanted, replacing(match, none_match))
        return tagged(values.NamespaceValue.of(made), made.version)

    @delete(
        "/namespaces/{path:path}",
        operation_id="removeNamespace",
        tags=["namespaces"],
        operation=Operation.NAMESPACE_REMOVE,
    )
    async def remove_namespace(request: ApiRequest, path: FromPath[str], match: Match = None) -> None:
        """Remove a namespace with the grants on it; nothing may lie below it."""
        await service.remove(caller_of(request), _path(path), expected(match))

    return [list_namespaces, show_namespace, put_namespace, remove_namespace]


def repositories(
    management: Management, pages: RepositoryPages, holdings: RepositoryHoldings
) -> list[HTTPRouteHandler]:
    """`/repositories` and `/untagged-manifests`. Names have slashes, so nothing comes behind them."""

    @get("/repositories", operation_id="listRepositories", tags=["repositories"], operation=Operation.REPOSITORY_READ)
    async def list_repositories(
        request: ApiRequest, n: Size = PAGE, last: Last = ""
    ) -> Response[list[values.RepositoryValue]]:
        """Repositories by name, as far as the caller may see them."""
        caller = caller_of(request)
        await management.gate.rights(caller)
        page = await pages.page(caller, page_of(n, last))
        return listed(request, page, lambda name: values.RepositoryValue(str(name)), str, n)

    @delete(
        "/repositories/{path:path}",
        operation_id="removeRepository",
        tags=["repositories"],
        operation=Operation.REPOSITORY_REMOVE,
    )
    async def remove_repository(request: ApiRequest, path: FromPath[str]) -> None:
        """Delete a repository with everything in it; tokens for it end."""
        await management.namespaces.remove_repository(caller_of(request), RepositoryName(path.removeprefix("/")))

    @get(
        "/repositories/{path:path}",
        operation_id="showRepository",
        tags=["repositories"],
        operation=Operation.REPOSITORY_READ,
    )
    async def show_repository(request: ApiRequest, path: FromPath[str]) -> values.HoldingValue:
        """How much a repository holds."""
        name = RepositoryName(path.removeprefix("/"))
        return values.HoldingValue.of(name, await holdings.of(caller_of(request), name))

    @get(
        "/untagged-manifests",
        operation_id="listUntaggedManifests",
        tags=["repositories"],
        operation=Operation.REPOSITORY_READ,
    )
    async def list_untagged(
        request: ApiRequest,
        repository: Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")],
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[values.UntaggedValue]]:
        """Manifests of a repository that no tag leads to, by digest. They keep their space until they are deleted."""
        page = await holdings.untagged(caller_of(request), RepositoryName(repository), page_of(n, last))
        return listed(request, page, values.UntaggedValue.of, lambda manifest: str(manifest.digest), n)

    return [list_repositories, show_repository, list_untagged, remove_repository]


def adoption(management: Management) -> list[HTTPRouteHandler]:
    """`/providers/…/adopt`."""

    @post(
        "/providers/{name:str}/adopt",
        operation_id="adoptAccounts",
        tags=["providers"],
        status_code=200,
        operation=Operation.PROVIDER_ADOPT,
    )
    async def adopt_accounts(
        request: ApiRequest, name: FromPath[str], data: JSONBody[values.Adopting]
    ) -> values.AdoptedValue:
        """Let a provider whose issuer or base changed vouch for the accounts that it vouched for before. It takes the
        right to everything that they may do."""
        return values.AdoptedValue(await management.adoption.adopt(caller_of(request), name, data.accounts))

    return [adopt_accounts]


def provider_tests(tests: ProviderTests) -> list[HTTPRouteHandler]:
    """`/providers/…/test`."""

    @post(
        "/providers/{name:str}/test",
        operation_id="testProvider",
        tags=["providers"],
        status_code=200,
        operation=Operation.PROVIDER_TEST,
    )
    async def test_provider(request: ApiRequest, name: FromPath[str]) -> values.ProviderTestedValue:
        """Try a sign-on provider out: its discovery document and keys, or whether a directory lets us search it."""
        tested = await tests.test(caller_of(request), name)
        return values.ProviderTestedValue(not tested.failure, tested.found, tested.failure)

    return [test_provider]


def sessions(management: Management) -> list[HTTPRouteHandler]:
    """`/sessions`, of oneself, and `/users/…/sessions`."""
    service = management.sessions

    @get("/sessions", operation_id="listSessions", tags=["sessions"], operation=Operation.SESSION_READ)
    async def list_sessions(request: ApiRequest) -> list[values.SessionValue]:
        """The browsers in which the caller is signed in, newest first."""
        caller = caller_of(request)
        return whole(await service.of(caller, caller.subject.name), values.SessionValue.of)

    @delete("/sessions/{id:str}", operation_id="endSession", tags=["sessions"], operation=Operation.SESSION_END)
    async def end_session(request: ApiRequest, id: FromPath[str]) -> None:  # noqa: A002
        """End one of the caller's."""
        caller = caller_of(request)
        await service.end(caller, caller.subject.name, id)

    @get(
        "/users/{name:str}/sessions", operation_id="listSessionsOf", tags=["sessions"], operation=Operation.SESSION_READ
    )
    async def list_sessions_of(request: ApiRequest, name: FromPath[str]) -> list[values.SessionValue]:
        """The browsers in which a user is signed in, newest first."""
        return whole(await service.of(caller_of(request), name), values.SessionValue.of)

    @delete(
        "/users/{name:str}/sessions",
        operation_id="endSessionsOf",
        tags=["sessions"],
        status_code=200,
        operation=Operation.SESSION_END,
    )
    async def end_sessions_of(request: ApiRequest, name: FromPath[str]) -> values.EndedValue:
        """End all sessions of a user, and the logins that clients keep."""
        return values.EndedValue(await service.end_all(caller_of(request), name))

    return [list_sessions, end_session, list_sessions_of, end_sessions_of]


def keys(management: Management) -> list[HTTPRouteHandler]:
    """`/keys`."""

    @get("/keys", operation_id="listKeys", tags=["keys"], operation=Operation.KEY_READ)
    async def list_keys(request: ApiRequest) -> list[values.KeyValue]:
        """The keys that sign tokens, oldest first."""
        return whole(await management.keys.all(caller_of(request)), values.KeyValue.of)

    @post("/keys/rotate", operation_id="rotateKeys", tags=["keys"], status_code=204, operation=Operation.KEY_ROTATE)
    async def rotate_keys(request: ApiRequest) -> None:
        """Make a new key that signs from soon on; tokens that others signed hold until they expire."""
        await management.keys.rotate(caller_of(request))

    return [list_keys, rotate_keys]


def _path(text: str) -> str:
    path = text.removeprefix("/")
    return "" if path == ROOT else path
