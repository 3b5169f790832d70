"""The settings of secrets that documents name: where such a document may send the server to read."""

from typing import Annotated

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.identity.secret_references import SecretPlaces


class Secrets(msgspec.Struct, frozen=True):
    """Secrets that stand beside the registry: `file:/PATH` and `env:NAME` in a sign-on provider and the like.

    A writer of such a setting may have any of these sent to a server of their choice, so only what is meant for
    it belongs there.
    """

    folders: Annotated[
        str,
        Meaning(
            "Folders below which `file:/PATH` may be, with commas; links that lead out of them are not followed.",
            ValueKind.TEXT,
        ),
    ] = "/etc/orlop/secrets"
    prefix: Annotated[
        str, Meaning("How the name of a variable begins that `env:NAME` may read; empty: none may.", ValueKind.TEXT)
    ] = "ORLOP_SECRET_"

    @property
    def places(self) -> SecretPlaces:
        """As rules."""
        return SecretPlaces(tuple(folder.strip() for folder in self.folders.split(",") if folder.strip()), self.prefix)


def check_secrets(secrets: Secrets) -> None:
    """Raises ConfigurationInvalid for folders that are none."""
    for folder in secrets.places.folders:
        if not folder.startswith("/") or folder.strip("/") == "":
            raise ConfigurationInvalid(f"secrets.folders: {folder!r} is not the absolute path of a folder")
