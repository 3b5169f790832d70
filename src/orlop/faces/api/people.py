"""End points about users, oneself, robots and tokens."""

from typing import Annotated

from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import UNSET

from orlop.domain.access import SubjectKind
from orlop.faces.api import values
from orlop.faces.api.exchange import (
    PAGE,
    PREFIX,
    ApiRequest,
    Begins,
    Last,
    Match,
    Size,
    caller_of,
    expected,
    listed,
    page_of,
    tagged,
    whole,
)
from orlop.ports.identity import Account
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation

Number = Annotated[int, PathParameter(ge=1, le=2**53)]


def users(management: Management) -> list[HTTPRouteHandler]:
    """`/users`."""
    service = management.users

    @get("/users", operation_id="listUsers", tags=["users"], operation=Operation.USER_READ)
    async def list_users(
        request: ApiRequest, n: Size = PAGE, last: Last = "", begins: Begins = ""
    ) -> Response[list[values.AccountValue]]:
        """Users by name; whoever does not rule or audit the registry sees themselves."""
        page = await service.page(caller_of(request), page_of(n, last), begins)
        return listed(request, page, values.AccountValue.of, lambda user: user.name, n)

    @post("/users", operation_id="addUser", tags=["users"], operation=Operation.USER_ADD)
    async def add_user(request: ApiRequest, data: JSONBody[values.NewUser]) -> Response[values.AccountValue]:
        """Make a local user, who has to choose another password at the first sign-in."""
        account = Account(
            name=data.name,
            display=data.display,
            email=data.email,
            disabled=data.disabled or "",
            expires_at=values.moment(data.expires_at),
        )
        made = await service.add(caller_of(request), account, data.password)
        return tagged(values.AccountValue.of(made), made.version, 201, f"{PREFIX}/users/{made.name}")

    @get("/users/{name:str}", operation_id="showUser", tags=["users"], operation=Operation.USER_READ)
    async def show_user(request: ApiRequest, name: FromPath[str]) -> Response[values.AccountValue]:
        """One user."""
        account = await service.get(caller_of(request), name)
        return tagged(values.AccountValue.of(account), account.version)

    @patch("/users/{name:str}", operation_id="changeUser", tags=["users"], operation=Operation.USER_CHANGE)
    async def change_user(
        request: ApiRequest, name: FromPath[str], data: JSONBody[values.UserChange], match: Match = None
    ) -> Response[values.AccountValue]:
        """Change what is named, and nothing else; `disabled` null lets them in again."""
        account = await service.change(caller_of(request), name, data.change(), expected(match))
        return tagged(values.AccountValue.of(account), account.version)

    @delete("/users/{name:str}", operation_id="removeUser", tags=["users"], operation=Operation.USER_REMOVE)
    async def remove_user(request: ApiRequest, name: FromPath[str], match: Match = None) -> None:
        """Remove a user with their tokens, grants and sessions."""
        await service.remove(caller_of(request), name, expected(match))

    @put(
        "/users/{name:str}/password",
        operation_id="setPassword",
        tags=["users"],
        status_code=204,
        operation=Operation.PASSWORD_SET,
    )
    async def set_password(request: ApiRequest, name: FromPath[str], data: JSONBody[values.NewPassword]) -> None:
        """Give a user another password; what they are signed in with ends."""
        await service.set_password(caller_of(request), name, data.password, must_change=data.must_change)

    return [list_users, add_user, show_user, change_user, remove_user, set_password]


def oneself(management: Management) -> list[HTTPRouteHandler]:
    """`/me` and `/tokens`."""

    @get("/me", operation_id="whoAmI", tags=["me"], operation=Operation.ME_READ)
    async def who_am_i(request: ApiRequest) -> values.MeValue:
        """Who is signed in, with what, and in which groups."""
        caller = caller_of(request)
        service = management.users if caller.subject.kind is SubjectKind.USER else management.robots
        account = await service.get(caller, caller.subject.name)
        rights = await management.gate.rights(caller)
        return values.MeValue(
            values.AccountValue.of(account),
            caller.subject.credential,
            values.limit_values(rights.limits if caller.subject.limits is None else caller.subject.limits),
            tuple(sorted(await management.groups.mine(caller))),
        )

    @put(
        "/me/password",
        operation_id="changePassword",
        tags=["me"],
        status_code=204,
        operation=Operation.PASSWORD_CHANGE,
    )
    async def change_password(request: ApiRequest, data: JSONBody[values.PasswordChange]) -> None:
        """Change one's own password, signed in with the one of now; whoever has to, can do nothing else before."""
        await management.users.change_password(caller_of(request), data.password)

    @get("/tokens", operation_id="listTokens", tags=["tokens"], operation=Operation.TOKEN_READ)
    async def list_tokens(request: ApiRequest, n: Size = PAGE, last: Last = "") -> Response[list[values.SecretValue]]:
        """One's own personal access tokens, by number."""
        page = await management.tokens.page(caller_of(request), page_of(n, last))
        return listed(request, page, values.SecretValue.of, lambda secret: str(secret.id), n)

    @post("/tokens", operation_id="issueToken", tags=["tokens"], operation=Operation.TOKEN_ISSUE)
    async def issue_token(request: ApiRequest, data: JSONBody[values.NewSecret]) -> values.IssuedValue:
        """Make a personal access token. It is told once, and never again."""
        limits = values.limits_of(data.limits)
        return values.IssuedValue.of(
            await management.tokens.issue(caller_of(request), data.name, limits, values.moment(data.expires_at))
        )

    @delete("/tokens/{number:int}", operation_id="revokeToken", tags=["tokens"], operation=Operation.TOKEN_REVOKE)
    async def revoke_token(request: ApiRequest, number: Number) -> None:
        """End a token at once."""
        await management.tokens.revoke(caller_of(request), number)

    return [who_am_i, change_password, list_tokens, issue_token, revoke_token]


def robots(management: Management) -> list[HTTPRouteHandler]:
    """`/robots`."""
    service = management.robots

    @get("/robots", operation_id="listRobots", tags=["robots"], operation=Operation.ROBOT_READ)
    async def list_robots(
        request: ApiRequest,
        n: Size = PAGE,
        last: Last = "",
        namespace: Annotated[
            str | None, QueryParameter(name="namespace", max_length=255, description="Only those of exactly this one.")
        ] = None,
        begins: Begins = "",
    ) -> Response[list[values.AccountValue]]:
        """Robots by name, of the namespaces that the caller administers."""
        page = await service.page(caller_of(request), page_of(n, last), namespace, begins)
        return listed(request, page, values.AccountValue.of, lambda robot: robot.name, n)

    @post("/robots", operation_id="addRobot", tags=["robots"], operation=Operation.ROBOT_ADD)
    async def add_robot(request: ApiRequest, data: JSONBody[values.NewRobot]) -> Response[values.AccountValue]:
        """Make a robot. It has no secret and may do nothing yet."""
        account = Account(
            kind=SubjectKind.ROBOT,
            name=data.name,
            display=data.display,
            namespace=data.namespace or "",
            disabled=data.disabled or "",
            expires_at=values.moment(data.expires_at),
        )
        made = await service.add(caller_of(request), account)
        return tagged(values.AccountValue.of(made), made.version, 201, f"{PREFIX}/robots/{made.name}")

    @get("/robots/{name:str}", operation_id="showRobot", tags=["robots"], operation=Operation.ROBOT_READ)
    async def show_robot(request: ApiRequest, name: FromPath[str]) -> Response[values.AccountValue]:
        """One robot."""
        account = await service.get(caller_of(request), name)
        return tagged(values.AccountValue.of(account), account.version)

    @patch("/robots/{name:str}", operation_id="changeRobot", tags=["robots"], operation=Operation.ROBOT_CHANGE)
    async def change_robot(
        request: ApiRequest, name: FromPath[str], data: JSONBody[values.RobotChange], match: Match = None
    ) -> Response[values.AccountValue]:
        """Change what is named, and nothing else."""
        account = await service.change(caller_of(request), name, data.change(), expected(match))
        return tagged(values.AccountValue.of(account), account.version)

    @delete("/robots/{name:str}", operation_id="removeRobot", tags=["robots"], operation=Operation.ROBOT_REMOVE)
    async def remove_robot(request: ApiRequest, name: FromPath[str], match: Match = None) -> None:
        """Remove a robot with its secrets and grants."""
        await service.remove(caller_of(request), name, expected(match))

    return [list_robots, add_robot, show_robot, change_robot, remove_robot]


def secrets(management: Management) -> list[HTTPRouteHandler]:
    """`/robots/…/secrets`."""
    service = management.robots

    @get(
        "/robots/{name:str}/secrets",
        operation_id="listRobotSecrets",
        tags=["robots"],
        operation=Operation.ROBOT_SECRET_READ,
    )
    async def list_secrets(request: ApiRequest, name: FromPath[str]) -> list[values.SecretValue]:
        """The secrets of a robot, which are two at most; oldest first."""
        return whole(await service.secrets(caller_of(request), name), values.SecretValue.of)

    @post(
        "/robots/{name:str}/secrets",
        operation_id="issueRobotSecret",
        tags=["robots"],
        operation=Operation.ROBOT_SECRET_ISSUE,
    )
    async def issue_secret(
        request: ApiRequest, name: FromPath[str], data: JSONBody[values.NewSecret]
    ) -> values.IssuedValue:
        """Make another secret of a robot. It is told once, and never again."""
        limits = values.limits_of(data.limits)
        return values.IssuedValue.of(
            await service.issue(caller_of(request), name, data.name, limits, values.moment(data.expires_at))
        )

    @post(
        "/robots/{name:str}/rotate",
        operation_id="rotateRobotSecret",
        tags=["robots"],
        operation=Operation.ROBOT_SECRET_ISSUE,
    )
    async def rotate_secret(
        request: ApiRequest, name: FromPath[str], data: JSONBody[values.Rotation]
    ) -> values.IssuedValue:
        """Make a new secret like the newest, which stays good until the next rotation; one before it ends."""
        expires_at = None if data.expires_at is UNSET else values.moment(data.expires_at)
        return values.IssuedValue.of(await service.rotate(caller_of(request), name, expires_at))

    @delete(
        "/robots/{name:str}/secrets/{number:int}",
        operation_id="revokeRobotSecret",
        tags=["robots"],
        operation=Operation.ROBOT_SECRET_REVOKE,
    )
    async def revoke_secret(request: ApiRequest, name: FromPath[str], number: Number) -> None:
        """End a secret at once."""
        await service.revoke(caller_of(request), name, number)

    return [list_secrets, issue_secret, rotate_secret, revoke_secret]
