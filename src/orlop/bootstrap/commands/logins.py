"""What commands that sign in need: the identity of this place, the files of logins, a registry to try one on."""

import asyncio
import os
import random
import time
from pathlib import Path

from orlop.bootstrap.commands.clients import client_options, proxy_for
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.running import tell
from orlop.ports.ambient import AmbientIdentity
from orlop.ports.logins import DockerConfig, Login, Logins
from orlop.ports.management import SavedSignIns

# The adapters are imported where one is opened: `orlop --help` needs none of them.


class Tools:
    """See faces.cli.sign_in.ambient.LoginTools."""

    def identity(self) -> AmbientIdentity:
        from orlop.adapters.ambient.search import Ambient

        return Ambient(os.environ)

    def logins(self) -> Logins:
        from orlop.adapters.logins.kept import KeptLogins

        return KeptLogins(os.environ, Path.home())

    def saved(self) -> SavedSignIns:
        from orlop.adapters.management.saved import CredentialFile

        return CredentialFile(os.environ, Path.home())

    def docker(self) -> DockerConfig:
        from orlop.adapters.logins.docker import DockerConfigFile

        return DockerConfigFile(os.environ, Path.home())

    async def sign_in(self, registry: str, login: Login, connecting: Connecting) -> None:
        from orlop.adapters.upstream.client import open_client
        from orlop.adapters.upstream.credentials import Credentials, OneCredential
        from orlop.adapters.upstream.patience import Surroundings

        credentials = OneCredential(Credentials(login.username, login.secret))
        surroundings = Surroundings(time.monotonic, time.time, asyncio.sleep, random.random, tell)
        async with open_client(client_options(connecting), credentials, surroundings, proxy_for) as client:
            await (await client.registry(registry)).ping()
