"""Packages to ask both about: those of an image, and those that advisories name, where something changes."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.inside.advisories import Advisories
from bench.inside.reading import image_of
from orlop.domain.inside.ecosystems import Key, keys
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.purl import purl

_TYPES = {"PyPI": "pypi", "crates.io": "cargo"}
_DISTRIBUTIONS = {"Debian": ("deb", "debian"), "AlmaLinux": ("rpm", "almalinux")}
#: Versions of one package.
_VERSIONS = 8

#: Package URLs, and by which names advisories know the packages.
Asked = dict[str, tuple[Key, ...]]


def of_image(layer: Path) -> Asked:
    """All packages of an image of one layer."""
    return {each.purl: each.keys for _, _, each in image_of(layer)[0].packages}


def around_changes(advisories: Advisories, number: int) -> Asked:
    """So many packages of each ecosystem, the same in every run: each in versions that begin or end a range."""
    chance = random.Random(1)
    names = sorted(advisories.by_name)
    chance.shuffle(names)
    asked: Asked = {}
    counted = Counter[str]()
    for ecosystem, name in names:
        base = ecosystem.partition(":")[0]
        if counted[base] >= number:
            continue
        versions = sorted(set(_versions(advisories, ecosystem, name)))
        chance.shuffle(versions)
        for version in versions[:_VERSIONS]:
            found = _package(ecosystem, name, version)
            if found is not None:
                asked[purl(*found)] = keys(*found)
                counted[base] += 1
    return asked


def _versions(advisories: Advisories, ecosystem: str, name: str) -> Iterator[str]:
    for advisory in advisories.by_name[ecosystem, name]:
        for each in advisory.affected:
            if (each.package.ecosystem, each.package.name) == (ecosystem, name):
                events = [event for part in each.ranges for event in part.events]
                named = (
                    version for event in events for version in (event.introduced, event.fixed, event.last_affected)
                )
                yield from ("0.0.1" if version == "0" else version for version in named if version)
                yield from (*each.versions[:2], *each.versions[-2:])


def _package(ecosystem: str, name: str, version: str) -> tuple[Package, Distribution | None] | None:
    base, _, release = ecosystem.partition(":")
    if base == "Go" and name == "stdlib":
        return Package(type="golang", name=name, version=version), None
    if base == "Go":
        before, _, last = name.rpartition("/")
        return Package(type="golang", name=last, namespace=before, version=f"v{version}"), None
    if base in _TYPES:
        return Package(type=_TYPES[base], name=name, version=version), None
    if not release:
        return None
    kind, system = _DISTRIBUTIONS[base]
    epoch, colon, rest = version.partition(":")
    if kind == "rpm" and colon:
        return Package(type=kind, name=name, version=rest, epoch=int(epoch)), Distribution(id=system, version=release)
    return Package(type=kind, name=name, version=version), Distribution(id=system, version=release)
