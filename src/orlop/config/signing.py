"""The settings of what the registry signs: where a key lives that is none of the catalog."""

import shlex
from pathlib import Path
from typing import Annotated

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.durations import SECOND


class SigningSettings(msgspec.Struct, frozen=True):
    """What the registry signs: see [signing.md](signing.md). Nothing is signed before `orlop signing init`."""

    command: Annotated[
        str,
        Meaning(
            "A program that signs with a key of a key service, with its arguments: it reads what is to be signed, and "
            "writes the signature in base64.",
            ValueKind.TEXT,
            default="none: the key is in the catalog",
        ),
    ] = ""
    public_key: Annotated[
        Path | None,
        Meaning("PEM file with the public key of what `signing.command` signs with.", ValueKind.PATH, default="none"),
    ] = None
    timeout: Annotated[int, Meaning("How long `signing.command` may take.", ValueKind.DURATION, minimum=SECOND)] = (
        5 * SECOND
    )

    @property
    def program(self) -> tuple[str, ...]:
        """The program and its arguments; none: there is none. Raises ConfigurationInvalid."""
        try:
            return tuple(shlex.split(self.command))
        except ValueError as cause:
            raise ConfigurationInvalid("signing.command has a quotation mark that nothing closes") from cause


def check_signing(signing: SigningSettings) -> None:
    """Raises ConfigurationInvalid for settings that contradict each other."""
    program = signing.program
    if bool(program) != (signing.public_key is not None):
        raise ConfigurationInvalid("signing.command and signing.public_key go together")
    if program and not program[0].startswith("/"):
        raise ConfigurationInvalid("signing.command begins with the absolute path of a program")
