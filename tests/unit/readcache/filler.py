"""`python -m tests.unit.readcache.filler FOLDER SEED`: reads blobs through a cache until it is killed."""

import asyncio
import random
import sys
from pathlib import Path

from tests.content import blob
from tests.unit.readcache.scene import Scene


async def _main(root: Path, choose: random.Random) -> None:
    scene = Scene(root)
    copies = [scene.store.hold(blob(f"blob {number}", 300_000 + 100_000 * (number % 9))) for number in range(60)]
    while True:
        copy = choose.choice(copies)
        assert await scene.read(copy) == scene.store.pieces[copy.key]
        print("read", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), random.Random(int(sys.argv[2]))))
