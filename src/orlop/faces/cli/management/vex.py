"""`orlop vex import`: a VEX document out of a file becomes a setting of a place. All else is as of any setting."""

from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.domain.inside.vex.statements import BYTES
from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.settings import Where
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.running import UsageError, tell
from orlop.faces.cli.servers import ServerChoice, Servers, setting_at
from orlop.ports.management import ManagementServer
from orlop.ports.vex import VexReader


def register(app: cyclopts.App, servers: Servers, reader: VexReader) -> None:
    """Add the command to the group that settings of the kind have."""

    @app["vex"].command(name="import")
    def import_(
        file: Annotated[Path, Parameter(negative="")],
        /,
        *,
        place: Where = "",
        name: str = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Take in a VEX document for a place: OpenVEX, CSAF, or an attestation of one. The signature of an attestation
        is not looked at.

        Parameters
        ----------
        file
            The document.
        name
            What to call it [default: the name of the file].
        json
            Print the setting as JSON.
        """
        called = name or _name(file)
        path = typed.here(place).strip("/")

        async def do(server: ManagementServer) -> None:
            document = await reader.read(_content(file))
            body: dict[str, Any] = {
                "document": document.id,
                "author": document.author,
                "statements": msgspec.to_builtins(document.statements),
            }
            made = (await typed.put(server, setting_at("vex-documents", called, path), body)).value
            if json:
                shown.print_json(made)
            else:
                said = counted(len(document.statements), "statement")
                tell(f"{called} at {place_words(path)} has {said} of {document.author or 'an unknown author'}")

        return work(servers, at, do)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _name(file: Path) -> str:
    """The name of a file as that of a setting: without endings such as .openvex.json."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in file.name.lower())
    for ending in ("-json", "-openvex", "-vex", "-csaf"):
        plain = plain.removesuffix(ending)
    return plain.strip("-")[:63].strip("-") or "document"
