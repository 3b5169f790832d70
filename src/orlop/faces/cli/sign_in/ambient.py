"""What the commands that use the identity of this place need of the world, and the options that they share."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from cyclopts import Parameter

from orlop.domain.errors import NameInvalid
from orlop.domain.references import parse_registry
from orlop.faces.cli.content.stores import Connecting
from orlop.ports.ambient import AmbientIdentity, AmbientSearch, Surrounding
from orlop.ports.logins import DockerConfig, Login, Logins
from orlop.ports.management import SavedSignIns

#: The user name that goes with a token of somebody else's.
USER = "oidc"


class LoginTools(Protocol):
    """Opened only when a command runs: bootstrap says how."""

    def identity(self) -> AmbientIdentity:
        """Who this program is by where it runs."""
        ...

    def logins(self) -> Logins:
        """What was kept for `docker-credential-orlop`."""
        ...

    def saved(self) -> SavedSignIns:
        """What `orlop login` kept."""
        ...

    def docker(self) -> DockerConfig:
        """docker's own file."""
        ...

    async def sign_in(self, registry: str, login: Login, connecting: Connecting) -> None:
        """Try a login. Raises Unauthorized when the registry does not take it."""
        ...


@Parameter(name="*")
@dataclass(frozen=True)
class Looking:
    """Where to look for an identity [default: everywhere]."""

    where: Annotated[Surrounding | None, Parameter(name="--from", help="Only from there.")] = None
    token_env: Annotated[str, Parameter(help="Environment variable that holds a token.")] = ""
    token_file: Annotated[str, Parameter(help="File that holds a token.")] = ""

    @property
    def search(self) -> AmbientSearch:
        """The same, without the command line."""
        return AmbientSearch(self.where, self.token_env, self.token_file)


def registry_of(address: str) -> str:
    """`host[:port]` out of what programs call a registry: perhaps with a scheme and a path. Raises NameInvalid."""
    _, _, rest = address.rpartition("://")
    host = rest.partition("/")[0]
    if not host:
        raise NameInvalid("a registry is written host or host:port")
    return parse_registry(host)
