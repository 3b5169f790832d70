"""`python -m bench.inside FOLDER [--syft PROGRAM]`: compares what Orlop and syft find in each `*.tar` of a folder.

Each archive is an image of one layer. `bench.inside.images` makes such a folder of packages of registries.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.inside.reading import orlop, syft
from bench.inside.spelling import as_orlop


def main() -> int:
    """Print a table, and every difference below it."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--syft", default="syft", help="the program; it has one core")
    arguments = parser.parse_args()
    differences: list[str] = []
    print("| image | MB | equal | spelt apart | only syft | only Orlop | CPU s of Orlop | CPU s of syft |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for layer in sorted(arguments.folder.glob("*.tar")):
        ours = orlop(layer)
        with tempfile.TemporaryDirectory() as folder:
            theirs = syft(arguments.syft, layer, Path(folder))
        equal = ours.purls & theirs.purls
        beyond = theirs.purls - equal
        spelt = {each for each in beyond if as_orlop(each) in ours.purls}
        only_theirs = sorted(beyond - spelt)
        only_ours = sorted(ours.purls - equal - {as_orlop(each) for each in spelt})
        counts = " | ".join(str(len(each)) for each in (equal, spelt, only_theirs, only_ours))
        size = layer.stat().st_size / 1e6
        print(f"| {layer.stem} | {size:.0f} | {counts} | {ours.seconds:.1f} | {theirs.seconds:.1f} |", flush=True)
        differences += [f"{layer.stem}: only syft: {each}" for each in only_theirs]
        differences += [f"{layer.stem}: only Orlop: {each}" for each in only_ours]
        differences += [f"{layer.stem}: not read by Orlop: {each}" for each in ours.unread]
    print("\n".join(["", *differences]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
