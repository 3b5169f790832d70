"""Small images that no server has seen: content for pushes, made before the clock runs."""

import itertools
import json
import os
import random

from bench.load.pushing import Image
from bench.scenes import content
from bench.scenes.content import Piece, piece

#: Sizes of the blobs of a small image, in bytes: the first is its configuration.
SIZES = (1 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10)

_numbers = itertools.count()


def small(repository: str) -> Image:
    """A new image: five blobs and a manifest."""
    config, *layers = (piece(os.urandom(size)) for size in SIZES)
    return Image(repository, f"t{next(_numbers)}", (config, *layers), _manifest(config, layers))


def _manifest(config: Piece, layers: list[Piece]) -> Piece:
    document = {
        "schemaVersion": 2,
        "mediaType": content.MANIFEST,
        "config": {"mediaType": content.CONFIG, "digest": config.digest, "size": len(config.content)},
        "layers": [{"mediaType": content.LAYER, "digest": each.digest, "size": len(each.content)} for each in layers],
    }
    return piece(json.dumps(document).encode())


def share(clients: int, each: int, below: str = "push") -> list[list[Image]]:
    """Images for several clients, in repositories of their own."""
    run = random.randrange(1 << 40)
    return [[small(f"{below}/r{run:x}-{client}-{number}") for number in range(each)] for client in range(clients)]
