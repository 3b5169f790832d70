"""Storage folders that are written once and kept: writing 100,000 tags in another server's form takes minutes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

#: Beside the code and unknown to git; may be deleted at any time.
KEPT = Path(__file__).parent.parent / "work"

#: Raised when the content or a layout changes.
_EDITION = 7


def kept(name: str, write: Callable[[Path], None]) -> Path:
    """The folder of this name, written now unless an earlier run finished writing it."""
    folder = KEPT / f"{name}-{_EDITION}"
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        storage = folder / "storage"
        storage.mkdir(parents=True)
        write(storage)
        done.touch()
    return folder / "storage"


def read_all(folder: Path) -> None:
    """Bring every file into the memory of the operating system, so that no server is measured by the disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass
