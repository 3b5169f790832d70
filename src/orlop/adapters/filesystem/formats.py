"""Data folders of earlier formats, brought to today's when they are opened."""

from pathlib import Path

from orlop.adapters.filesystem.disk import sync_folder
from orlop.adapters.filesystem.layout import BLOBS, PREFIXES, key_of
from orlop.domain.digest import ALGORITHMS

#: The format that this program writes. A program that changes the tree so that an older one would err raises it.
FORMAT = 2


def bring_up(root: Path) -> None:
    """From format 1, where each digest had a folder of its own: `<2 hex>/<hex>/<copy>` becomes `<2 hex>/<hex>.<copy>`.

    Takes a rename for each copy, once. What was moved stays moved, so it may be killed anywhere and begun again.
    """
    for algorithm in ALGORITHMS:
        for prefix in PREFIXES:
            holder = root / BLOBS / algorithm / prefix
            if holder.is_dir():
                _flatten(holder, algorithm)


def _flatten(holder: Path, algorithm: str) -> None:
    for folder in [entry for entry in holder.iterdir() if entry.is_dir() and not entry.is_symlink()]:
        rest = 0
        for copy in folder.iterdir():
            name = f"{folder.name}.{copy.name}"
            if key_of(algorithm, holder.name, name) is not None:
                copy.rename(holder / name)
            else:
                rest += 1
        if not rest:
            folder.rmdir()
    sync_folder(str(holder))
