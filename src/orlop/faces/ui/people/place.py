"""People of a place: who may do what there, and a form that lets somebody in, or makes a robot for it."""

from contextlib import suppress
from urllib.parse import urlencode

import msgspec

from orlop.domain.access import Grant, Place, PlaceKind, SubjectKind, Visibility
from orlop.domain.access.actions import OF_REPOSITORIES
from orlop.domain.access.subjects import GROUP_PREFIX, is_robot_name
from orlop.domain.errors import NotFound, RegistryError, RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.faces.ui.browse.frame import PlaceFrame, PlaceFrames
from orlop.faces.ui.exchange import Reply, UiExchange, local_path, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.forms import beside, ends, new_grant, robot_name
from orlop.faces.ui.people.grants import roles_of
from orlop.faces.ui.people.robots import told
from orlop.faces.ui.routes import Route
from orlop.ports.identity import Account
from orlop.services.desks import Desks
from orlop.services.management.explain import Able


class _Row(msgspec.Struct, frozen=True):
    """Somebody with what they may do here, and by which grants."""

    able: Able
    kind: str
    href: str
    here: tuple[Grant, ...]
    """Those on exactly this place, which can be taken away here."""
    others: tuple[Grant, ...]


class PeopleTab:
    """Of a repository, or of a namespace as a whole."""

    def __init__(self, pages: Pages, desks: Desks, frames: PlaceFrames) -> None:
        self._pages = pages
        self._frames = frames
        self._management = desks.management

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/who", self.asked),
            Route("POST", "/who/grant", self.grant),
            Route("POST", "/who/robot", self.robot),
        )

    async def asked(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """By an address of its own: `?path=` is a namespace, `?repository=` a repository."""
        place = _place(exchange)
        return await self._page(exchange, place, refusal)

    async def show(self, exchange: UiExchange, name: str) -> Reply:
        """As the tab of a place. Where a repository and a namespace have the same name, it is about the repository."""
        frame = await self._frames.of(exchange, name)
        kind = PlaceKind.REPOSITORIES if frame.is_repository else PlaceKind.NAMESPACE
        return await self._page(exchange, Place(kind, name), None, frame)

    async def _page(
        self, exchange: UiExchange, place: Place, refusal: RegistryError | None, frame: PlaceFrame | None = None
    ) -> Reply:
        caller, explaining = exchange.caller, self._management.explaining
        visibility, inherited = Visibility.PRIVATE, True
        if place.kind is PlaceKind.REPOSITORIES:
            who = await explaining.who(caller, RepositoryName(place.path))
            able, complete, visibility = who.able, who.complete, who.visible.visibility
        else:
            able, complete = await explaining.able(caller, namespace=place.path)
            with suppress(NotFound):  # nobody made it yet, or it is not for the visitor to see
                said = (await self._management.namespaces.get(caller, place.path)).visibility
                visibility, inherited = said or visibility, said is None
        return self._pages.page(
            exchange,
            "people/place",
            refusal=refusal,
            place=place,
            frame=frame,
            actions=OF_REPOSITORIES,
            rows=[_row(each, place) for each in able],
            complete=complete,
            visibility="" if inherited and place.kind is not PlaceKind.REPOSITORIES else visibility,
            roles=await roles_of(self._management, exchange),
            back=local_path(exchange.field("next"), exchange.here),
            sent=exchange.form,
        )

    async def grant(self, exchange: UiExchange) -> Reply:
        """Give somebody a role here."""
        place = Place.typed(exchange.field("place"))
        principal = exchange.field("principal").strip()
        try:
            new = new_grant(exchange, self._management.gate.now(), principal, place)
            await self._management.grants.add(exchange.caller, new)
        except RegistryError as refusal:
            return await self._again(exchange, place, refusal)
        return redirect(local_path(exchange.field("next"), _address(place)))

    async def robot(self, exchange: UiExchange) -> Reply:
        """Make a robot that has a role here and a secret, which is shown once."""
        place, caller, management = Place.typed(exchange.field("place")), exchange.caller, self._management
        name = robot_name(exchange.field("name").strip())
        try:
            now = management.gate.now()
            until = ends(exchange, now, "secret_days")
            new = new_grant(exchange, now, name, place)
            await management.grants.check(caller, new)  # before there is a robot that may do nothing
            account = Account(kind=SubjectKind.ROBOT, name=name, namespace=_namespace(place))
            await management.robots.add(caller, account)
            await management.grants.add(caller, new)
            issued = await management.robots.issue(caller, name, "", None, until)
        except RegistryError as refusal:
            return await self._again(exchange, place, refusal)
        return told(self._pages, exchange, name, issued, local_path(exchange.field("next"), _address(place)))

    async def _again(self, exchange: UiExchange, place: Place, refusal: RegistryError) -> Reply:
        async def show(exchange: UiExchange, refusal: RegistryError | None) -> Reply:
            return await self._page(exchange, place, refusal)

        return await beside(show, exchange, refusal)


def _place(exchange: UiExchange) -> Place:
    repository, path = exchange.query.get("repository", ""), exchange.query.get("path")
    if repository:
        return Place(PlaceKind.REPOSITORIES, RepositoryName(repository))
    if path is None:
        raise RequestInvalid("say which place: path is a namespace, repository a repository")
    path = path.strip("/")
    return Place(PlaceKind.NAMESPACE, path) if path else Place(PlaceKind.REGISTRY)


def _address(place: Place) -> str:
    field = "repository" if place.kind is PlaceKind.REPOSITORIES else "path"
    return f"/who?{urlencode({field: place.path})}"


def _namespace(place: Place) -> str:
    """Whose administrators keep a robot that is made for a place."""
    return RepositoryName(place.path).namespace if place.kind is PlaceKind.REPOSITORIES else place.path


def _row(able: Able, place: Place) -> _Row:
    name = able.principal
    kind, href = "user", f"/people/{name}"
    if name.startswith(GROUP_PREFIX):
        kind, href = "group", f"/groups/{name.removeprefix(GROUP_PREFIX)}"
    elif is_robot_name(name):
        kind, href = "robot", f"/robots/{name}"
    here = tuple(grant for grant in able.grants if grant.place == place and grant.principal == name)
    return _Row(able, kind, href, here, tuple(grant for grant in able.grants if grant not in here))
