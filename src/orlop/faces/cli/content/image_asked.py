"""What commands that ask a registry about one image share: how it is named, and how its registry is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from cyclopts import Parameter

from orlop.faces.cli.content.inside import image_argument, image_reference
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.servers import Servers

Flag = Annotated[bool, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class ImageAsked:
    """Options of these commands."""

    platform: str = ""
    """Of an image for several platforms the one that is meant, as linux/amd64."""
    json: Flag = False
    """Print a JSON object."""


async def asked(
    servers: Servers,
    ref: str,
    of: ImageAsked,
    connecting: Connecting,
    path: str,
    query: Mapping[str, str],
) -> dict[str, Any]:
    """What the registry of an image says of it; of a query what is not empty counts. Raises UsageError."""
    from orlop.faces.cli.content.remove import managed

    location = image_argument(ref)
    assert location.image is not None
    words = {
        "repository": str(location.image.repository),
        "reference": image_reference(location),
        "platform": of.platform,
        **query,
    }
    async with managed(servers, location, connecting) as server:
        reply = await server.ask("GET", f"{path}?{urlencode({name: value for name, value in words.items() if value})}")
    found: dict[str, Any] = reply.value
    return found
