"""Images are put together as those who unpack them would see them: beside a dictionary of files."""

import hashlib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.inside.assembly import BYTES, PACKAGES, assemble
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.package import Distribution, Package

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@dataclass
class Change:
    """What one layer does: files with the packages that they list (None: it lists none), removals, emptied folders."""

    files: dict[str, str | None] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    files = draw(st.dictionaries(PATHS, st.none() | st.sampled_from(["one", "two"]), max_size=4))
    # No file of a layer is a folder of the same layer.
    kept = {path: package for path, package in files.items() if not any(each.startswith(f"{path}/") for each in files)}
    return Change(kept, draw(st.sets(PATHS, max_size=2)), draw(st.sets(PATHS, max_size=1)))


def facts(change: Change) -> LayerFacts:
    names = sorted(hashlib.sha256(path.encode()).digest()[:6] for path in change.files)
    found = [
        Found(path=path, reader="test", packages=(Package(type="npm", name=package, version="1"),))
        for path, package in change.files.items()
        if package is not None
    ]
    return LayerFacts(
        found=tuple(found), removed=tuple(change.removed), emptied=tuple(change.emptied), names=b"".join(names)
    )


def unpacked(layers: list[Change]) -> dict[str, str]:
    """The files that list packages, after every layer: removals are about what is below (image-spec, layer.md)."""
    seen: dict[str, str | None] = {}
    for layer in layers:
        gone = [*layer.removed, *layer.files]
        seen = {
            path: package
            for path, package in seen.items()
            if not any(path == each or path.startswith(f"{each}/") for each in gone)
            and not any(path.startswith(f"{each}/") for each in layer.emptied)
        }
        seen |= layer.files
    return {path: package for path, package in seen.items() if package is not None}


@given(st.lists(changes(), max_size=5))
def test_what_is_seen_is_what_is_unpacked(layers: list[Change]) -> None:
    made = assemble([facts(layer) for layer in layers])
    assert {each.path: each.package.name for _, _, each in made.packages} == unpacked(layers)


@given(changes(), changes())
def test_what_layers_contribute_alike_is_one_unit(below: Change, above: Change) -> None:
    once, again = assemble([facts(below), facts(above)]), assemble([facts(below), facts(above)])
    assert [unit.hash for unit in once.units] == [unit.hash for unit in again.units]
    alone = assemble([facts(below)])
    shared = {unit.hash: unit for unit in alone.units}
    for unit in once.units:
        if unit.layer == 0 and unit.hash in shared:
            assert unit.packages == shared[unit.hash].packages


def test_a_root_that_is_emptied_hides_everything() -> None:
    made = assemble([facts(Change({"a": "one", "b/c": "two"})), LayerFacts(emptied=("",))])
    assert list(made.packages) == []


def test_the_distribution_is_known_when_all_layers_are() -> None:
    bash = Package(type="deb", name="bash", version="5.2")
    status = Found(path="var/lib/dpkg/status", reader="dpkg", packages=(bash,))
    copyright_ = Found(
        path="usr/share/doc/bash/copyright", reader="copyright", licences={"bash": ("GPL-3.0-or-later",)}
    )
    old, new = (
        Found(path=path, reader="os-release", distribution=Distribution(id="debian", version=version))
        for path, version in (("usr/lib/os-release", "11"), ("etc/os-release", "12"))
    )
    made = assemble([LayerFacts(found=(status, old)), LayerFacts(found=(new, copyright_))])
    assert made.distribution == Distribution(id="debian", version="12")
    [(layer, reader, found)] = made.packages
    assert (layer, reader, found.purl) == (0, "dpkg", "pkg:deb/debian/bash@5.2?distro=debian-12")
    assert found.package.licences == ("GPL-3.0-or-later",)
    assert "Debian:12" in {key.ecosystem for key in found.keys}


def test_what_could_not_be_read_is_told() -> None:
    broken = Found(path="var/lib/rpm/Packages", reader="rpm", unread="it is damaged")
    made = assemble([LayerFacts(found=(broken,)), LayerFacts(unread="it ends too early")])
    assert made.unread == ("layer 2 of 2: it ends too early", "var/lib/rpm/Packages: it is damaged")
    hidden = assemble([LayerFacts(found=(broken,)), LayerFacts(removed=("var/lib/rpm",))])
    assert hidden.unread == ()


def test_an_image_has_no_more_packages_than_an_answer_can_tell() -> None:
    def many(number: int, licence: str) -> LayerFacts:
        packages = tuple(
            Package(type="npm", name=f"p{each}", version="1", licences=(licence,)) for each in range(number)
        )
        return LayerFacts(found=(Found(path="lock", reader="node", packages=packages),))

    for layer, kept in ((many(PACKAGES + 1, ""), PACKAGES), (many(100, "x" * (BYTES // 10)), 9)):
        made = assemble([layer])
        assert len(list(made.packages)) == kept
        [said] = made.unread
        assert said.startswith("it holds more than")
    assert assemble([many(100, "MIT")]).unread == ()


def test_a_folder_takes_the_place_of_a_file_and_hides_nothing_else() -> None:
    files = {"var/lib/dpkg/status": b"", "app/lib-1.dist-info/METADATA": b""}
    below = LayerFacts(
        found=tuple(
            Found(path=path, reader="x", packages=(Package(type="pypi", name=path, version="1"),)) for path in files
        )
    )
    above = LayerFacts(folders=hashlib.sha256(b"var/lib/dpkg/status").digest()[:6])
    assert [each.path for _, _, each in assemble((below, above)).packages] == ["app/lib-1.dist-info/METADATA"]
    parent = LayerFacts(folders=hashlib.sha256(b"var/lib/dpkg").digest()[:6])
    assert len(list(assemble((below, parent)).packages)) == len(files)
