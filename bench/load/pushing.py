"""Pushing as Docker does it: HEAD, POST, PATCH, PUT for each blob, then the manifest."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bench.load.connection import Connection
from bench.scenes import content
from bench.scenes.content import Piece

#: How much of a large blob is handed to the socket at once, in bytes.
_SEND = 1 << 20


class Image(NamedTuple):
    """What one push sends."""

    repository: str
    tag: str
    blobs: tuple[Piece, ...]
    manifest: Piece


def pieces(whole: bytes | bytearray) -> Iterator[memoryview]:
    """A blob as the parts that are sent."""
    view = memoryview(whole)
    for start in range(0, len(view), _SEND):
        yield view[start : start + _SEND]


def push_blob(
    connection: Connection, repository: str, digest: str, body: Iterable[bytes | memoryview], length: int
) -> None:
    """POST, PATCH with everything, PUT."""
    started = connection.request("POST", f"/v2/{repository}/blobs/uploads/", expect=202)
    octets = "Content-Type: application/octet-stream\r\n"
    patched = connection.request("PATCH", _target(started.headers), body, length, octets, expect=202)
    target = _target(patched.headers)
    mark = "&" if "?" in target else "?"
    connection.request("PUT", f"{target}{mark}digest={digest}", expect=201)


def _target(headers: dict[bytes, bytes]) -> str:
    location = headers[b"location"].decode()
    if location.startswith("http"):
        return "/" + location.split("/", 3)[3]
    return location


def push_image(connection: Connection, image: Image) -> None:
    """An image whose blobs the server does not hold yet."""
    for each in image.blobs:
        connection.request("HEAD", f"/v2/{image.repository}/blobs/{each.digest}", expect=404)
        push_blob(connection, image.repository, each.digest, [each.content], len(each.content))
    connection.request(
        "PUT",
        f"/v2/{image.repository}/manifests/{image.tag}",
        [image.manifest.content],
        len(image.manifest.content),
        f"Content-Type: {content.MANIFEST}\r\n",
        expect=201,
    )
