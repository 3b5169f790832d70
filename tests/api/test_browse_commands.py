"""orlop browse, tags and search as they are typed, against an API behind a socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.domain.access import Visibility
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.cli.management import browse
from orlop.ports.identity import Namespace
from orlop.services.browse import search
from tests.api.harness import REGISTRY, Api, namespace
from tests.api.serving import Served
from tests.api.test_commands import PASSWORD, Typed
from tests.content import image, platform_index
from tests.contract.scene import Scene

pytestmark = pytest.mark.slow

ONE = image("one", annotations={"org.example.cve": "log4j"})
BOTH = platform_index("both")
APP = RepositoryName("team/app")
MANY = tuple(f"team/deep/{name}" for name in ("a1", "a2", "a3", "a4", "a5", "a6", "b", "c"))


async def _filled() -> Api:
    """`ann` owns `team`, where `app` has five tags, one of them an index; `solo` is for `root` alone."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("owner", namespace("team")))
    for name in ("root", "ann"):
        await api.password(name, PASSWORD)
    await api.identity.namespaces.put(
        Namespace(path="team", visibility=Visibility.INTERNAL, description="ours"), api.by
    )
    scene = Scene(api.catalog.catalog, at=api.now)
    for tag in ("1.9.0", "1.10.0", "1.10.1-rc.1", "nightly"):
        await scene.push(APP, ONE, Tag(tag))
        scene.at += 1_000_000
    await scene.push(APP, BOTH, Tag("2.0.0"))
    for name in ("team/lib", "team/deep/app", "solo"):
        await scene.push(RepositoryName(name), ONE, Tag("1.9.0"))
    for name in MANY:
        await scene.push(RepositoryName(name), ONE, Tag("v9"))
    await api.catalog.catalog.labels.change(APP, ONE.digest, LabelChange(sets={"stage": "prod"}), api.by)
    return api


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(_filled) as served:
        yield served


@pytest.fixture
def orlop(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    typed = Typed(served, capsys, monkeypatch)
    typed.login("ann")
    return typed


def _rows(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def test_a_namespace_is_looked_through(orlop: Typed) -> None:
    heading, deep, app, lib = _rows(orlop("browse", "team/"))
    assert heading == ["PATH", "TAGS", "SIZE", "PUSHED", "PULLED", "VISIBILITY", "DESCRIPTION"]
    assert (deep[:2], app[:2], lib[:2]) == (["team/deep/", "9"], ["team/app", "5"], ["team/lib", "1"])
    assert [child["path"] for child in orlop.json("browse")] == ["team/"]
    assert "internal    ours" in orlop("browse", "/")
    assert [child["path"] for child in orlop.json("browse", "team", "--sort", "largest")][1:] == [
        "team/app",
        "team/lib",
    ]
    orlop("browse", "nowhere/", code=1)
    assert orlop.errors == "orlop: there is no namespace nowhere, or not for you to see\n"
    orlop.login("root")
    assert [child["path"] for child in orlop.json("browse")] == ["team/", "solo"]


def test_lists_go_on_up_to_a_number(orlop: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "_PAGE", 2)
    tags = ["1.10.0", "1.10.1-rc.1", "1.9.0", "2.0.0", "nightly"]
    for most, more in ((1, True), (2, True), (3, True), (4, True), (5, False), (100, False)):
        found = orlop.json("tags", "team/app", "--sort", "name", "--n", str(most))
        assert [tag["name"] for tag in found] == tags[:most]
        assert orlop.errors == (f"there are more; --n {most * 10} shows further ones\n" if more else "")
    assert [child["path"] for child in orlop.json("browse", "team/")] == ["team/deep/", "team/app", "team/lib"]


def test_tags_are_listed_in_any_order_and_narrowed(orlop: Typed) -> None:
    def names(*options: str) -> list[str]:
        return [tag["name"] for tag in orlop.json("tags", "team/app", *options)]

    assert names() == names("--sort", "newest") == ["2.0.0", "nightly", "1.10.1-rc.1", "1.10.0", "1.9.0"]
    assert names("--sort", "version") == ["2.0.0", "1.10.1-rc.1", "1.10.0", "1.9.0", "nightly"]
    assert names("--filter", "1.*", "--only", "releases") == ["1.10.0", "1.9.0"]
    assert names("--only", "others", "--sort", "name") == ["1.10.1-rc.1", "nightly"]
    assert names("--type", "index") == names("--platform", "linux/arm64") == ["2.0.0"]
    assert orlop("tags", "team/app", "--type", "chart") == ""
    assert orlop.errors == "no tag of team/app fits\n"
    assert orlop.json("tags", "team/app", "--type", "chart") == []


def test_a_tag_says_what_it_is_and_what_keeps_it(orlop: Typed) -> None:
    orlop("tag-rule", "set", "releases", "--at", "team/", "--tags", "2.*", "--immutable")
    try:
        heading, both, nightly, *_ = orlop("tags", "team/app").splitlines()
    finally:
        orlop("tag-rule", "rm", "releases", "--at", "team/")
    assert heading.split() == ["TAG", "WHAT", "SIZE", "PUSHED", "BY", "PULLED", "KEPT", "DIGEST"]
    assert "  linux/amd64, linux/arm64  " in both
    assert both.endswith(f"  alice  -       immutable  {BOTH.digest}")
    assert "  image  " in nightly
    assert nightly.endswith(f"  alice  -       -          {ONE.digest}")


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (
            ("tags", "team/"),
            2,
            "team/ is a namespace, and a repository has the tags: write team/app; orlop browse team/",
        ),
        (("tags", "/"), 2, "/ is a namespace"),
        (("tags", "team/app:1.9.0"), 2, "write team/ or team/app, without a registry"),
        (("tags",), 2, "orlop tags needs REPOSITORY, the repository, as team/app"),
        (("tags", "team/none"), 1, "team/none"),
        (("tags", "solo"), 1, "solo"),
        (("tags", "team/app", "--sort", "age"), 2, 'invalid value "age" for --sort'),
        (("tags", "team/app", "--only", "some"), 2, 'Choose from: "releases", "others"'),
        (("tags", "team/app", "--filter", "1.?"), 1, "'1.?' is no pattern of tags"),
        (("tags", "team/app", "--platform", "linux"), 1, "linux"),
        (("tags", "team/app", "--n", "0"), 2, "--n"),
        (("browse", "localhost:5000/team"), 2, "write team/ or team/app, without a registry"),
        (("browse", "team/", "--sort", "version"), 2, 'invalid value "version" for --sort'),
        (("search", " "), 2, "say what to search for"),
        (("search",), 2, "orlop search needs LINE"),
        (("search", "repo:"), 1, "say behind repo: what it is to be"),
        (("search", "app", "--kind", "blob"), 2, 'invalid value "blob" for --kind'),
    ],
)
def test_mistakes_are_said(orlop: Typed, typed: tuple[str, ...], code: int, said: str) -> None:
    assert orlop(*typed, code=code) == ""
    assert said in orlop.errors


def test_a_line_is_searched_for(orlop: Typed) -> None:
    assert _rows(orlop("search", "app")) == [
        ["KIND", "FOUND", "WHAT"],
        ["repository", "team/app", "-"],
        ["repository", "team/deep/app", "-"],
    ]
    assert _rows(orlop("search", "team/app:2.0.0"))[1:] == [["tag", "team/app:2.0.0", "index"]]
    assert _rows(orlop("search", "stage=prod"))[1:] == [["label", f"team/app@{ONE.digest}", "-"]]
    assert _rows(orlop("search", "account:ann"))[1:] == [["account", "ann", "-"]]
    assert orlop("search", "tag:1.9.0", "repo:lib") == orlop("search", "tag:1.9.0 repo:lib")
    [hit] = orlop.json("search", "tag:1.9.0 repo:lib")
    assert (hit["kind"], hit["repository"], hit["reference"]) == ("tag", "team/lib", "1.9.0")
    assert orlop("search", "solo") == ""
    assert orlop.errors == "nothing that you may see fits\n"
    assert orlop.json("search", "solo") == []


def test_a_search_goes_on_up_to_a_number_of_each_kind(orlop: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "_HITS", 1)
    found = ["team/app:1.9.0", "team/deep/app:1.9.0", "team/lib:1.9.0"]
    for most in (1, 2, 3, 4):
        rows = _rows(orlop("search", "tag:1.9.0", "--n", str(most)))
        assert [row[1] for row in rows[1:]] == found[:most]
        told = f"there is more of the kind tag; --n {most * 10} shows further ones\n"
        assert orlop.errors == (told if most < 3 else "")
    assert [row[:2] for row in _rows(orlop("search", "1.9.0", "--kind", "tag"))[1:]] == [
        ["tag", name] for name in found
    ]


def test_a_search_goes_on_where_much_was_looked_at(orlop: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it goes on after may have more repositories before it than are looked through at once, alike but for the
    last letter."""
    small = {"_RARE": 0, "_NAMES": 2, "_NAMES_MOST": 2, "_FIRST": 1, "_INSIDE": 1, "_INSIDE_MOST": 3, "_ROWS": 2}
    for name, number in {**small, "_MANIFESTS_MOST": 2, "_ROWS_MOST": 4}.items():
        monkeypatch.setattr(search, name, number)
    monkeypatch.setattr(browse, "_HITS", 1)
    asked: list[str] = []
    find = search.RegistrySearch.find

    async def bounded(self: search.RegistrySearch, *given: Any) -> search.SearchFound:
        asked.append(str(given[-1].after))
        assert len(asked) <= 30, asked
        return await find(self, *given)

    monkeypatch.setattr(search.RegistrySearch, "find", bounded)
    rows = _rows(orlop("search", "tag:v9", "--n", "100"))
    assert [row[1] for row in rows[1:]] == [f"{name}:v9" for name in MANY]
    assert orlop.errors == ""
