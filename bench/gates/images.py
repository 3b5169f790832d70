"""Ten thousand images for a dry run: each with packages of Debian out of some layers, and a config of its own."""

import json
from typing import Any
from urllib.parse import quote

from orlop.domain import media_types
from tests.content import Piece, Pushable, stating
from tests.contract.advisories import advisory
from tests.wire.sockets import Connection
from tests.wire.test_inside import layer

#: Images, repositories that they lie in, layers that they are made of, and packages of a layer.
IMAGES, REPOSITORIES, LAYERS, PACKAGES = 10_000, 20, 50, 100
#: Every so manyth package has a vulnerability, and every so manyth of these is critical.
_WRONG, _CRITICAL = 10, 7
_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'


def advisories() -> list[dict[str, Any]]:
    """Of the packages that something is wrong with."""
    made = []
    for number in range(0, LAYERS * PACKAGES, _WRONG):
        record = json.loads(advisory(f"BENCH-{number}", f"package{number}", "2.0"))
        severity = "CRITICAL" if number // _WRONG % _CRITICAL == 0 else "MODERATE"
        made.append(record | {"database_specific": {"severity": severity}})
    return made


def filled(port: int, credential: str) -> None:
    """Push all of them into repositories below `many`."""
    layers = [_layer(number) for number in range(LAYERS)]
    with Connection(port) as connection:
        for number in range(IMAGES):
            repository = f"many/app{number % REPOSITORIES}"
            pushed = _image(number, layers[number % LAYERS])
            pieces = pushed.blobs if number < REPOSITORIES * LAYERS else pushed.blobs[:1]
            for piece in pieces:
                target = f"/v2/{repository}/blobs/uploads/?digest={quote(piece.digest)}"
                answer = connection.ask("POST", target, credential, body=piece.content)
                assert answer.status == 201, answer
            lines = credential, f"content-type: {pushed.media_type}"
            target = f"/v2/{repository}/manifests/{number}"
            assert connection.ask("PUT", target, *lines, body=pushed.content).status == 201


def _layer(number: int) -> Piece:
    packages = range(number * PACKAGES, (number + 1) * PACKAGES)
    status = "".join(_STATUS.format(f"package{each}", number) for each in packages)
    return layer(f"packages {number}", {"etc/os-release": _RELEASE, "var/lib/dpkg/status": status})


def _image(number: int, content: Piece) -> Pushable:
    said = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"number": str(number)}}}
    own = Piece(f"config {number}", media_types.OCI_CONFIG, json.dumps(said).encode())
    return stating(f"image {number}", [own.descriptor(), content.descriptor()], [own, content])
