"""`python -m bench.inside.findings ADVISORIES FOLDER --matcher PROGRAM`: which advisories hit, beside osv-scanner.

ADVISORIES is a folder of `*.jsonl.zst`, FOLDER one of images of one layer, `*.tar`. The program is `matcher/main.go`
beside this file: osv-scanner's reader of SBOMs and its matcher, of its version, with one line for each finding. Both
get the packages that Orlop found, and packages that the advisories name.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.inside.advisories import Advisories
from bench.inside.asked import Asked, around_changes, of_image
from orlop.domain.inside.matching import hit
from orlop.domain.inside.purl import parse_purl

#: An advisory and what it hits, and the package URL of that.
Findings = dict[tuple[str, str], str]


def main() -> int:
    """Print a table, why Orlop alone finds some, and every difference that nothing explains."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside.findings")
    parser.add_argument("advisories", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--matcher", required=True, type=Path)
    parser.add_argument("--packages", type=int, default=1500, help="that advisories name, of each ecosystem")
    arguments = parser.parse_args()
    advisories = Advisories(arguments.advisories)
    begin_with_git, meet = advisories.begin_with_git(), advisories.meet()
    why, left = Counter[str](), list[str]()
    images = {layer.stem: of_image(layer) for layer in sorted(arguments.folder.glob("*.tar"))}
    print("| packages of | packages | both | only osv-scanner | only Orlop |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as database:
        advisories.write(Path(database))
        for name, asked in (images | {"advisories": around_changes(advisories, arguments.packages)}).items():
            ours, theirs = _ours(advisories, asked), _theirs(arguments.matcher, Path(database), asked)
            only_ours = {each: url for each, url in ours.items() if each not in theirs}
            only_theirs = sorted(each for each in theirs if each not in ours)
            counts = (len(asked), len(ours) - len(only_ours), len(only_theirs), len(only_ours))
            print(f"| {name} | {' | '.join(map(str, counts))} |", flush=True)
            for each, url in only_ours.items():
                reason = _reason(each[0], url, begin_with_git, meet)
                why[reason] += 1
                left += [] if reason else [f"{name}: only Orlop: {each}"]
            left += [f"{name}: only osv-scanner: {each}" for each in only_theirs]
    print("\n".join(["", *(f"{number} × {reason or 'not explained'}" for reason, number in why.items()), *left]))
    return 0


def _ours(advisories: Advisories, asked: Asked) -> Findings:
    found = {}
    for url, keys in asked.items():
        for key in keys:
            for advisory in advisories.by_name.get((key.ecosystem, key.name), ()):
                known = hit(advisory, key)
                if known is not None and not known.uncertain:
                    found[advisory.id, _what(url)] = url
    return found


def _theirs(matcher: Path, database: Path, asked: Asked) -> Findings:
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [_listed(url) for url in asked]}
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "bom.cdx.json"
        document.write_text(json.dumps(bom))
        command = [matcher.resolve(), database, document]
        told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return {(advisory, _what(url)): url for advisory, url in map(json.loads, told.splitlines())}


def _listed(url: str) -> dict[str, str]:
    read = parse_purl(url)
    return {"type": "library", "name": read.name, "version": read.version, "purl": url}


def _what(url: str) -> str:
    """A package URL with the one qualifier that matters, its release; of Go in lower case, as osv-scanner writes it."""
    read = parse_purl(url)
    release = dict(read.qualifiers).get("distro", "")
    named = f"{url.partition('@')[0]} {read.version} {release}"
    return named.lower() if read.type == "golang" else named


def _reason(advisory: str, url: str, begin_with_git: set[str], meet: set[str]) -> str:
    """Why osv-scanner does not find it; nothing: it is not known."""
    name = url.partition("@")[0]
    if url.startswith("pkg:golang/") and name != name.lower():
        return "a module of Go with a capital letter: osv-scanner reads package URLs of Go in lower case"
    if advisory in begin_with_git:
        return "a record whose range of commits comes first: osv-scanner reads no range behind it"
    if advisory in meet:
        return "a version that ends one stretch and begins another: osv-scanner may take them in the other order"
    return ""


if __name__ == "__main__":
    sys.exit(main())
