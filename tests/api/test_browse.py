"""What lies at a place, tags in any order, and searches: what each caller gets to see of them, and nothing else."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from orlop.domain.access import Action, Limit, Visibility
from orlop.domain.access.spans import NameSpan
from orlop.domain.durations import HOUR
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.ports.browse import ListedRepository
from orlop.ports.identity import Namespace
from orlop.ports.trash import TrashEntry
from orlop.services.browse import children as browse
from orlop.services.browse import search
from orlop.services.management import groups, namespaces, pages, robots
from orlop.services.retention import desk, in_use
from orlop.services.settings import kept
from orlop.services.trash import trash
from tests.api.harness import PREFIX, Api, assert_problem, namespace, registry
from tests.catalogs import rows
from tests.content import image
from tests.contract.scene import Scene

pytestmark = pytest.mark.slow

ONE = image("one", annotations={"org.example.cve": "log4j"})
#: Pushed into every one of these, as v1 and as latest.
NAMES = ("team/app", "team/deep/er/app", "team/lib", "team-b/app", "open/app", "inside/app", "solo")


async def _filled() -> Api:
    """What `registry` has; `open` is public, `inside` for who is signed in; `gus` may pull from `team/lib` alone."""
    api = await registry()
    for path, visibility in (("open", Visibility.PUBLIC), ("inside", Visibility.INTERNAL)):
        await api.identity.namespaces.put(Namespace(path=path, visibility=visibility, description=path), api.by)
    scene = Scene(api.catalog.catalog, at=api.now)
    for name in NAMES:
        await scene.push(RepositoryName(name), ONE, Tag("v1"), Tag("latest"))
        await api.catalog.catalog.labels.change(
            RepositoryName(name), ONE.digest, LabelChange(sets={"stage": "prod"}), api.by
        )
    await api.account("gus", ("reader", _repositories("team/lib")))
    await api.account("pat", ("reader", _repositories("*/app")))
    await api.account("new", ("publisher", namespace("team/empty")))
    return api


def _repositories(pattern: str) -> Any:
    from orlop.domain.access import Place, PlaceKind

    return Place(PlaceKind.REPOSITORIES, pattern)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[asyncio.Runner, Api]]:
    with asyncio.Runner() as own:
        api = own.run(_filled())
        yield own, api
        api.close()


class Asked:
    """Asks, and gives what all pages hold together."""

    def __init__(self, runner: asyncio.Runner, api: Api) -> None:
        self.api = api
        self._runner = runner

    def __call__(self, target: str, who: str, **query: str | int) -> Any:
        return self._runner.run(self.api.ask("GET", f"{target}?{urlencode(query)}", who))

    def all(self, target: str, who: str, **query: str | int) -> list[Any]:
        found: list[Any] = []
        answer = self(target, who, **query)
        while True:
            assert answer.status == 200, answer.body
            found += answer.json()
            link = answer.header("link")
            if not link:
                return found
            following = link.removeprefix(f"<{PREFIX}").partition(">")[0]
            answer = self._runner.run(self.api.ask("GET", following, who))

    def browsed(self, who: str, path: str = "", **query: str | int) -> list[str]:
        return [child["path"] for child in self.all("/browse", who, path=path, **query)]

    def hits(self, who: str, q: str, kind: str, n: int = 1) -> list[str]:
        found: list[str] = []
        last = ""
        while True:
            answer = self("/search", who, q=q, kind=kind, n=n, **({"last": last} if last else {}))
            assert answer.status == 200, answer.body
            told = answer.json()
            found += [_written(hit) for hit in told["hits"]]
            if not told["more"]:
                return found
            [following] = told["more"]
            assert following["last"] != last
            last = following["last"]


def _written(hit: dict[str, Any]) -> str:
    if hit["account"]:
        return str(hit["account"])
    return hit["repository"] + (f" {hit['reference']}" if hit["reference"] else "")


@pytest.fixture
def ask(shared: tuple[asyncio.Runner, Api]) -> Asked:
    return Asked(*shared)


@pytest.mark.parametrize("n", [1, 2, 100])
@pytest.mark.parametrize(
    ("who", "path", "found"),
    [
        ("root", "", ["inside/", "open/", "team-b/", "team/", "solo"]),
        ("aud", "", ["inside/", "open/", "team-b/", "team/", "solo"]),
        ("ann", "", ["inside/", "open/", "team/"]),
        ("eve", "", ["inside/", "open/"]),
        ("gus", "", ["inside/", "open/", "team/"]),
        ("new", "", ["inside/", "open/", "team/"]),
        ("root", "team", ["team/deep/", "team/empty/", "team/app", "team/lib"]),
        ("ann", "team/", ["team/deep/", "team/empty/", "team/app", "team/lib"]),
        ("robot+team", "team", ["team/deep/", "team/app", "team/lib"]),
        ("gus", "team", ["team/lib"]),
        ("new", "team", ["team/empty/"]),
        ("new", "team/empty", []),
        ("ann", "team/deep", ["team/deep/er/"]),
        ("ann", "team/deep/er", ["team/deep/er/app"]),
    ],
)
def test_everybody_sees_what_is_theirs_to_see(ask: Asked, who: str, path: str, found: list[str], n: int) -> None:
    assert ask.browsed(who, path, n=n) == found
    assert sorted(ask.browsed(who, path, n=n, sort="largest")) == sorted(found)
    assert sorted(ask.browsed(who, path, n=n, sort="newest")) == sorted(found)


@pytest.mark.parametrize(
    ("who", "path"), [("eve", "team"), ("gus", "team-b"), ("gus", "team/deep"), ("ann", "nowhere"), ("eve", "team/app")]
)
def test_what_a_caller_may_not_know_of_is_not_there(ask: Asked, who: str, path: str) -> None:
    told = assert_problem(ask("/browse", who, path=path), 404)
    assert_problem(ask("/browse", who, path="surely/nothing"), 404)
    assert "not for you to see" in told["detail"]


def test_numbers_of_namespaces_are_for_those_who_may_count(ask: Asked) -> None:
    def numbers(who: str) -> dict[str, int | None]:
        return {child["path"]: child["repositories"] for child in ask.all("/browse", who) if child["repositories"]}

    assert numbers("ann") == {"team/": 3}
    assert numbers("gus") == {}
    assert numbers("root")["team-b/"] == 1


def test_a_child_tells_what_the_catalog_counts(ask: Asked) -> None:
    [child] = [one for one in ask.all("/browse", "ann", path="open") if one["kind"] == "repository"]
    assert (child["path"], child["visibility"], child["tags"]) == ("open/app", "public", 2)
    assert child["size"] > ONE.size
    assert child["pushed_at"] is not None
    assert child["pulled_at"] is None
    told = {one["path"]: (one["visibility"], one["description"]) for one in ask.all("/browse", "root")}
    assert told["open/"] == ("public", "open")
    assert told["team/"] == ("private", "")


def test_who_is_not_signed_in_is_asked_to(ask: Asked) -> None:
    for target in ("/browse", "/search?q=app", "/tags?repository=open/app"):
        assert ask(target, "").status == 401


def test_tags_are_for_those_who_pull(ask: Asked) -> None:
    for who, status in (("ann", 200), ("gus", 404), ("eve", 404), ("robot+team", 200)):
        assert ask("/tags", who, repository="team/app").status == status, who
    assert_problem(ask("/tags", "ann", repository="team/none"), 404)


def test_who_pushed_is_told_to_those_who_read_the_audit_log(ask: Asked) -> None:
    def pushed(who: str) -> set[str]:
        return {tag["pushed_by"] for tag in ask.all("/tags", who, repository="team/lib")}

    assert pushed("ann") == {"alice"}
    assert pushed("gus") == {""}


def test_tags_tell_their_rules(ask: Asked) -> None:
    def change(method: str, body: Any = None) -> None:
        headers = {"if-none-match": "*"} if method == "PUT" else {}
        target = "/tag-rules/keep?path=team"
        assert ask._runner.run(ask.api.ask(method, target, "ann", body, headers=headers)).status < 300

    change("PUT", {"tags": ["v*"], "immutable": True})
    try:
        told = {tag["name"]: tag for tag in ask.all("/tags", "gus", repository="team/lib")}
    finally:
        change("DELETE")
    assert told["v1"]["rules"] == [{"name": "keep", "path": "team/"}]
    assert told["v1"]["immutable"]
    assert told["latest"]["rules"] == []
    assert not told["latest"]["immutable"]


@pytest.mark.parametrize("sort", ["name", "newest", "pulled", "largest", "version"])
def test_pages_of_tags_join(ask: Asked, sort: str) -> None:
    whole = [tag["name"] for tag in ask.all("/tags", "ann", repository="team/app", sort=sort)]
    assert sorted(whole) == ["latest", "v1"]
    assert [tag["name"] for tag in ask.all("/tags", "ann", repository="team/app", sort=sort, n=1)] == whole


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "age"},
        {"name": "v?"},
        {"platform": "linux"},
        {"only": "some"},
        {"sort": "newest", "last": "x"},
        {"x": "y"},
    ],
)
def test_what_cannot_be_read_is_refused(ask: Asked, query: dict[str, str]) -> None:
    assert_problem(ask("/tags", "ann", repository="team/app", **query), 400)


#: What each sees of what is in every repository.
_SEEN = {
    "root": set(NAMES),
    "ann": {"team/app", "team/deep/er/app", "team/lib", "open/app", "inside/app"},
    "gus": {"team/lib", "open/app", "inside/app"},
    "pat": {"team/app", "team-b/app", "open/app", "inside/app"},
    "eve": {"open/app", "inside/app"},
}


@pytest.mark.parametrize("who", _SEEN)
@pytest.mark.parametrize("n", [1, 3, 100])
@pytest.mark.parametrize("often", [False, True], ids=["rare", "common"])
def test_a_search_finds_what_the_searcher_sees(
    ask: Asked, who: str, n: int, monkeypatch: pytest.MonkeyPatch, often: bool
) -> None:
    if often:  # everything is, and little is looked through at once
        small = {"_RARE": 0, "_NAMES": 2, "_NAMES_MOST": 2, "_FIRST": 1, "_INSIDE": 2, "_INSIDE_MOST": 3, "_ROWS": 2}
        for name, number in {**small, "_MANIFESTS_MOST": 2, "_ROWS_MOST": 4}.items():
            monkeypatch.setattr(search, name, number)
    seen = sorted(_SEEN[who])
    assert ask.hits(who, "app", "repository", n) == [name for name in seen if "app" in name]
    assert ask.hits(who, "repo:deep", "repository", n) == [name for name in seen if "deep" in name]
    assert ask.hits(who, "tag:v1", "tag", n) == [f"{name} v1" for name in seen]
    assert ask.hits(who, "tag:l*", "tag", n) == [f"{name} latest" for name in seen]
    assert ask.hits(who, "tag:v1 repo:lib", "tag", n) == [f"{name} v1" for name in seen if "lib" in name]
    assert ask.hits(who, "tag:v1 type:image", "tag", n) == [f"{name} v1" for name in seen]
    assert ask.hits(who, "type:chart", "tag", n) == []
    for q in (str(ONE.digest), ONE.digest.hex[:6], f"digest:{ONE.digest.hex[:12]}"):
        assert ask.hits(who, q, "digest", n) == [f"{name} {ONE.digest}" for name in seen], q
    assert ask.hits(who, "stage=prod", "label", n) == [f"{name} {ONE.digest}" for name in seen]
    assert ask.hits(who, "annotation:org.example.cve=log4j", "annotation", n) == [
        f"{name} {ONE.digest}" for name in seen
    ]


async def _crowded() -> Api:
    """Many repositories, of which the token `few` of somebody who sees them all is good for the first and the last."""
    api = await registry()
    for number in range(3_000):
        await api.repository(f"secret-{number:04}/y")
    for number in range(300):
        await api.repository(f"full/{number:04}")
    await api.repository("full/x")
    scene = Scene(api.catalog.catalog, at=api.now)
    for name in ("a/x", "zz/x", "secret-1000/y", "secret-2000/y"):
        await scene.push(RepositoryName(name), ONE, *(Tag(f"v{number}") for number in range(30)))
    await api.token("root", "many", (Limit(frozenset({Action.LIST, Action.PULL}), _repositories("full/0*")),))
    await api.token("root", "few", (Limit(frozenset({Action.LIST, Action.PULL}), _repositories("*/x")),))
    return api


@pytest.fixture(scope="module")
def crowded() -> Iterator[Asked]:
    with asyncio.Runner() as own:
        api = own.run(_crowded())
        yield Asked(own, api)
        api.close()


class Counting:
    """Rows of searches that count how often they are asked."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._rows, name)


@pytest.mark.parametrize("few", [False, True], ids=["as it is", "in small steps"])
@pytest.mark.parametrize(("q", "kind"), [("repo:-", "repository"), ("repo:/", "repository"), ("tag:v*", "tag")])
def test_what_one_answer_looks_at_is_bounded(
    crowded: Asked, q: str, kind: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = crowded.api.desks.browsing.search
    counting = Counting(service._rows)
    monkeypatch.setattr(service, "_rows", counting)
    if few:
        small = {"_NAMES": 100, "_NAMES_MOST": 400, "_FIRST": 100, "_INSIDE": 100, "_INSIDE_MOST": 400}
        for name, number in {**small, "_ROWS": 20, "_ROWS_MOST": 200, "_RARE": 10}.items():
            monkeypatch.setattr(search, name, number)
    found: list[str] = []
    last, answers = "", 0
    while True:
        counting.asked, answers = 0, answers + 1
        told = crowded("/search", "few", q=q, kind=kind, n=1, **({"last": last} if last else {})).json()
        passed = int(last.partition("+")[2] or 0)
        assert counting.asked - passed <= 25
        found += [_written(hit) for hit in told["hits"]]
        if not told["more"]:
            break
        last = told["more"][0]["last"]
        assert "secret" not in last
    tags = sorted(f"v{number}" for number in range(30))
    everything = {
        "repository": ["a/x", "full/x", "zz/x"],
        "tag": [f"{name} {tag}" for name in ("a/x", "zz/x") for tag in tags],
    }
    assert found == ([] if q == "repo:-" else everything[kind])
    assert answers < 80


class Children:
    """What lies below namespaces, which counts how often and how many repositories are read."""

    def __init__(self, children: Any) -> None:
        self._children = children
        self.asked: list[str] = []
        self.read = 0

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._children, name)

    async def repositories(self, path: str, within: NameSpan, limit: int) -> tuple[ListedRepository, ...]:
        found: tuple[ListedRepository, ...] = await self._children.repositories(path, within, limit)
        self.asked.append("repositories")
        self.read += len(found)
        return found

    async def greatest(self, *asked: Any) -> tuple[ListedRepository, ...]:
        found: tuple[ListedRepository, ...] = await self._children.greatest(*asked)
        self.asked.append("greatest")
        self.read += len(found)
        return found


def test_a_namespace_is_refused_before_anything_in_it_is_read(crowded: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    service = crowded.api.desks.browsing.children
    asked = []
    for path in ("full", "nowhere"):
        for sort in ("name", "newest", "largest"):
            children = Children(service._children if not asked else service._children._children)
            monkeypatch.setattr(service, "_children", children)
            assert_problem(crowded("/browse", "eve", path=path, sort=sort), 404)
            assert children.read == 0
            asked.append(children.asked)
    assert all(each == asked[0] for each in asked), "nor is it told by how many questions it takes"


@pytest.mark.parametrize("sort", ["name", "newest", "largest"])
def test_those_that_a_caller_sees_are_found_without_the_others(
    crowded: Asked, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = crowded.api.desks.browsing.children
    children = Children(service._children)
    monkeypatch.setattr(service, "_children", children)
    assert crowded.browsed("few", "full", sort=sort) == ["full/x"]
    assert children.read == 0, "it is asked for by its name"


def test_a_caller_who_sees_few_has_no_small_steps_through_all(crowded: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    service = crowded.api.desks.browsing.children
    counting = Counting(service._browse)
    monkeypatch.setattr(service, "_browse", counting)
    assert crowded.browsed("few") == ["a/", "full/", "zz/"]
    assert counting.asked <= 12


@pytest.mark.parametrize("sort", ["newest", "largest"])
def test_one_page_of_any_order_reads_no_more_of_many_repositories(
    crowded: Asked, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = crowded.api.desks.browsing.children
    monkeypatch.setattr(service, "_children", children := Children(service._children))
    page = crowded("/browse", "root", path="full", sort=sort, n="10")
    assert len(page.json()) == 10
    assert children.read <= 64
    assert sorted(crowded.browsed("root", "full", sort=sort)) == crowded.browsed("root", "full")


@pytest.mark.parametrize("sort", ["newest", "largest"])
def test_those_of_many_that_a_caller_may_see_are_sorted_though_others_lie_between(
    crowded: Asked, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = crowded.browsed("many", "full", sort=sort)
    assert (len(compared), "full/x" in compared) == (300, False)
    monkeypatch.setattr(browse, "_LOOKED_AT", 200)
    monkeypatch.setattr(browse, "_COMPARED", 100)
    assert crowded.browsed("many", "full", sort=sort) == compared


class Looked:
    """Rows of the trash that count the entries that are read, and how often."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.asked = self.entries = 0

    async def page(self, within: NameSpan, page: PageRequest) -> Page[TrashEntry]:
        found: Page[TrashEntry] = await self._rows.page(within, page)
        self.asked, self.entries = self.asked + 1, self.entries + len(found.items)
        return found

    async def passed(self, within: NameSpan, after: str, entries: int) -> str:
        passed: str = await self._rows.passed(within, after, entries)
        return passed


@pytest.mark.parametrize("n", [1, 100])
def test_what_one_look_at_the_trash_reads_is_bounded(crowded: Asked, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    api, runner = crowded.api, crowded._runner
    if not rows(api.catalog, "SELECT id FROM trash"):
        names = sorted([f"secret-{number:04}/y" for number in range(1_000)] + ["a/x", "t/x", "zz/x"])
        statement = """INSERT INTO trash (name, kind, digest, subject, size, body, deleted_at, deleted_by, request,
            expires_at) VALUES (?, 'tag', ?, '', 1, CAST('' AS BLOB), ?, 'root', '', ?)"""
        for name in names:
            for _ in range(3 if name == "t/x" else 1):
                rows(api.catalog, statement, name, str(ONE.digest), api.now, api.now + HOUR)
    monkeypatch.setattr(trash, "_AT_ONCE", 100)
    monkeypatch.setattr(trash, "_MOST", 200)
    looked = Looked(api.desks.trash._rows)
    monkeypatch.setattr(api.desks.trash, "_rows", looked)
    assert crowded.all("/trash", "eve") == []
    assert looked.asked == 0, "where nothing is to be seen nothing is read"
    found: list[str] = []
    target = f"/trash?n={n}"
    while target:
        looked.entries = 0
        answer = runner.run(api.ask("GET", target, "few"))
        assert answer.status == 200, answer.body
        assert looked.entries <= 300
        found += [entry["name"] for entry in answer.json()]
        target = answer.header("link").removeprefix(f"<{PREFIX}").partition(">")[0] if answer.header("link") else ""
        assert "secret" not in target
    assert found == ["a/x", "t/x", "t/x", "t/x", "zz/x"]
    everything = [entry["name"] for entry in crowded.all("/trash", "root", n=900)]
    assert (len(everything), everything) == (1_005, sorted(everything))


def test_a_search_finds_a_little_of_everything(ask: Asked) -> None:
    told = ask("/search", "root", q="a", n=2).json()
    assert [hit["kind"] for hit in told["hits"]] == ["repository", "repository", "account", "account"]
    assert {more["kind"] for more in told["more"]} == {"repository"}
    pasted = ask("/search", "ann", q="registry.example:5000/team/app:v1").json()["hits"]
    assert [(hit["kind"], hit["repository"], hit["reference"]) for hit in pasted] == [("tag", "team/app", "v1")]


def test_accounts_are_found_by_those_who_may_list_them(ask: Asked) -> None:
    assert ask.hits("root", "account:ann", "account") == ["ann"]
    assert ask.hits("root", "account:team", "account") == ["robot+team", "robot+team-b"]
    assert ask.hits("ann", "account:team", "account") == ["robot+team"]
    assert ask.hits("eve", "account:ann", "account") == []


@pytest.mark.parametrize(
    "q",
    [
        "repo:",
        "tag:a tag:b",
        "label:x",
        "digest:xyz",
        "tag:a/b",
        "type:image digest:abcdef",
        "x " * 20,
        "a\0b",
        "x" * 513,
    ],
)
def test_a_search_that_cannot_be_read_is_refused(ask: Asked, q: str) -> None:
    assert_problem(ask("/search", "root", q=q), 400)


@pytest.mark.parametrize(
    "q", ["", " ", "%", "_", "!", "'", '"', "zzz", "<script>", "ünïcode", "=", "@", ":", "a@b", "~"]
)
def test_odd_searches_break_nothing(ask: Asked, q: str) -> None:
    assert ask("/search", "root", q=q).status in (200, 400)


@pytest.mark.parametrize("target", ["/namespaces", "/robots", "/groups", "/retention-plans", "/in-use", "/webhooks"])
def test_lists_of_what_a_caller_has_no_say_in_are_not_read(
    ask: Asked, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def counted(fetch: Any, page: PageRequest, key: Any, keep: Any) -> Page[Any]:
        read.append(target)
        return await pages.seen(fetch, page, key, keep)

    for module in (namespaces, robots, groups, desk, in_use, kept):
        monkeypatch.setattr(module, "seen", counted)
    assert ask(target, "eve").json() == []
    assert not read
    assert ask(target, "ann").status == 200
