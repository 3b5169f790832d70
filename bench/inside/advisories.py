"""Advisories for both: as Orlop reads them, and as the archives that osv-scanner takes without a network."""

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backports import zstd

from orlop.domain.inside.osv import Advisory, parse

#: Those whose advisories are compared, and those that packages of images may ask for: osv-scanner ends at one that it
#: has no archive of.
_COMPARED = ("AlmaLinux", "Debian", "Go", "PyPI", "crates.io")
_EMPTY = (
    *("Alpine", "Azure Linux", "GIT", "Maven", "NuGet", "Packagist", "Red Hat", "RubyGems", "SUSE", "Ubuntu", "npm"),
)


class Advisories:
    """Records of a folder of `*.jsonl.zst`, one file for each ecosystem."""

    def __init__(self, folder: Path) -> None:
        self.lines = {each: _lines(folder / f"{each}.jsonl.zst") for each in _COMPARED}
        self.by_name = defaultdict[tuple[str, str], list[Advisory]](list)
        self.count = 0
        for line in (line for lines in self.lines.values() for line in lines):
            advisory = parse(line)
            self.count += 1
            for name in {(each.package.ecosystem, each.package.name) for each in advisory.affected}:
                self.by_name[name].append(advisory)

    def write(self, folder: Path) -> None:
        """`osv-scalibr/<ecosystem>/all.zip` in a folder, as osv-scanner looks for them."""
        for ecosystem in (*_COMPARED, *_EMPTY):
            place = folder / "osv-scalibr" / ecosystem
            place.mkdir(parents=True)
            with zipfile.ZipFile(place / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for number, line in enumerate(self.lines.get(ecosystem, ())):
                    archive.writestr(f"{number}.json", line)

    def begin_with_git(self) -> set[str]:
        """Ids of records in which a range of commits comes before one of versions."""
        return {advisory for advisory, ranges in self._ranges() if len(ranges) > 1 and ranges[0]["type"] == "GIT"}

    def meet(self) -> set[str]:
        """Ids of records in which one stretch begins with the version that ends another."""
        return {advisory for advisory, ranges in self._ranges() if any(map(_meets, ranges))}

    def _ranges(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for line in (line for lines in self.lines.values() for line in lines):
            record: dict[str, Any] = json.loads(line)
            yield from ((record["id"], each.get("ranges", [])) for each in record.get("affected", ()))


def _meets(part: dict[str, Any]) -> bool:
    said = [{event[kind] for event in part["events"] if kind in event} for kind in ("introduced", "fixed")]
    return bool(said[0] & said[1])


def _lines(path: Path) -> list[bytes]:
    return [line for line in zstd.decompress(path.read_bytes()).split(b"\n") if line]
