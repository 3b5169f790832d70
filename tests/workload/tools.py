"""The commands that sign in, on a home of the test's own."""

from pathlib import Path

from orlop.adapters.ambient.search import Ambient
from orlop.adapters.logins.docker import DockerConfigFile
from orlop.adapters.logins.kept import KeptLogins
from orlop.adapters.management.saved import CredentialFile
from orlop.bootstrap.commands.logins import Tools


class ToolsAt(Tools):
    """See faces.cli.sign_in.ambient.LoginTools, in a folder, with an environment."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = {"GCE_METADATA_HOST": "127.0.0.1:1", **(environment or {})}

    def identity(self) -> Ambient:
        return Ambient(self.environment, "/nonexistent")

    def logins(self) -> KeptLogins:
        return KeptLogins(self.environment, self.folder)

    def saved(self) -> CredentialFile:
        return CredentialFile(self.environment, self.folder)

    def docker(self) -> DockerConfigFile:
        return DockerConfigFile(self.environment, self.folder)
