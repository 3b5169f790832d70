"""Lists: byte order, pages, the Link to the next, and `n` and `last` of anything."""

import json
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from orlop.domain import media_types
from orlop.domain.pages import PAGE_BYTES
from tests.content import EMPTY, Pushable, artifact, image, platform_index
from tests.wire.answer import Answer, assert_refused
from tests.wire.conftest import APP
from tests.wire.inprocess import InProcess

TAGS = ["0", "9", "A", "Z", "_x", "a", "a-b", "a.b", "aa", "b", "v1", "v10", "v2", "z"]
assert sorted(TAGS, key=str.encode) == TAGS

#: What may stand in `last`, quoted but for `%`, `&` and `=`.
LASTS = (
    "",
    "%00",
    "%ff",
    "%f0%9f%90%b3",
    "'; drop table tags; --",
    "../../..",
    "%0d%0aset-cookie:%20a=b",
    "v0",
    "V1",
    "u" * 50_000,
    "%25",
    "a&last=zzz",
)


def following(answer: Answer) -> str:
    """The target of the Link to the next page; empty where there is none."""
    link = answer.header("link")
    if not link:
        return ""
    target, _, relation = link.partition(">; ")
    assert relation == 'rel="next"'
    assert target.startswith("</v2/")
    return target[1:]


def tagged(registry: InProcess) -> Pushable:
    """An image in "app" under every one of the tags, pushed out of order."""
    what = image("app")
    registry.push("app", what, *reversed(TAGS))
    return what


@pytest.mark.parametrize(
    "n",
    [
        "-1",
        "-0",
        "+1",
        "1.0",
        "1e9",
        "0x10",
        "ten",
        "",
        " ",
        "1 ",
        "%00",
        "\xb2",
        "\u0663",
        "NaN",
        "1_000",
        "9" * 20,
        "9" * 60_000,
    ],
    ids=lambda n: repr(n[:16]),
)
def test_n_is_a_whole_number_from_0_on(refusing: InProcess, n: str) -> None:
    for target in ("/v2/app/tags/list", "/v2/_catalog", f"/v2/app/referrers/{APP.digest}"):
        assert_refused(refusing.ask("GET", f"{target}?n={quote(n, safe='%')}"), 400, "PAGINATION_NUMBER_INVALID")


@pytest.mark.parametrize(
    "n", ["2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 19, "000"]
)
def test_any_number_of_entries_may_be_asked_for(refusing: InProcess, n: str) -> None:
    tags = refusing.ask("GET", f"/v2/app/tags/list?n={n}")
    assert tags.status == 200
    assert tags.json() == {"name": "app", "tags": ["v1"] if int(n) else []}
    assert tags.header("link") == ""


@pytest.mark.parametrize("last", LASTS, ids=lambda last: repr(last[:16]))
def test_last_may_be_anything_and_is_only_compared(refusing: InProcess, last: str) -> None:
    answer = refusing.ask("GET", f"/v2/app/tags/list?n=10&last={quote(last, safe='%&=')}")
    assert answer.status == 200
    assert answer.json()["tags"] in (["v1"], [])
    assert answer.header("link") == ""
    assert all("\r" not in value and "\n" not in value for _, value in answer.headers)
    for target in ("/v2/_catalog", f"/v2/app/referrers/{APP.digest}"):
        assert refusing.ask("GET", f"{target}?n=10&last={quote(last, safe='%&=')}").status == 200


def test_tags_come_in_byte_order_page_by_page(registry: InProcess) -> None:
    """ "The tags are … in lexical order", `last` exclusive ("Listing Tags")."""
    tagged(registry)
    assert registry.ask("GET", "/v2/app/tags/list").json() == {"name": "app", "tags": TAGS}
    for size in (1, 2, 5, len(TAGS) - 1, len(TAGS), len(TAGS) + 1):
        seen: list[str] = []
        target = f"/v2/app/tags/list?n={size}"
        for _ in range(len(TAGS) + 1):
            answer = registry.ask("GET", target)
            page = answer.json()["tags"]
            assert len(page) <= size
            seen += page
            target = following(answer)
            if not target:
                break
            assert len(page) == size
        assert seen == TAGS
    assert registry.ask("GET", "/v2/app/tags/list?last=a").json()["tags"] == TAGS[TAGS.index("a") + 1 :]
    assert registry.ask("GET", "/v2/app/tags/list?last=a1").json()["tags"] == TAGS[TAGS.index("aa") :]
    assert registry.ask("GET", "/v2/app/tags/list?last=zz").json()["tags"] == []


def test_n_of_0_is_an_empty_list_without_a_link(registry: InProcess) -> None:
    """ "When n is zero, this endpoint MUST return an empty list, and MUST NOT include a Link header"."""
    what = tagged(registry)
    registry.push("app", artifact("sbom", subject=what))
    for target, key in (
        ("/v2/app/tags/list", "tags"),
        ("/v2/_catalog", "repositories"),
        (f"/v2/app/referrers/{what.digest}", "manifests"),
    ):
        answer = registry.ask("GET", f"{target}?n=0")
        assert answer.status == 200
        assert answer.json()[key] == []
        assert answer.header("link") == ""


def test_the_query_of_the_link_is_built_anew(registry: InProcess) -> None:
    """Nothing that a client sends finds its way into a header as it came."""
    tagged(registry)
    answer = registry.ask("GET", "/v2/app/tags/list?x=%0d%0aevil:1&n=03&last=&n=5&<a>=%3Cb%3E")
    assert following(answer) == f"/v2/app/tags/list?n=3&last={TAGS[2]}"
    assert following(registry.ask("GET", "/v2/app/tags/list?n=5")) == f"/v2/app/tags/list?n=5&last={TAGS[4]}"


def test_a_page_is_bounded_whatever_is_asked(registry: InProcess) -> None:
    """Distribution made room for `n` entries before it looked for any (CVE-2023-2253)."""
    what = image("app")
    registry.push("app", what)
    put = f"/v2/app/manifests/{what.digest}?"
    for start in range(0, 1_050, 50):
        query = "&".join(f"tag=t{number:05}" for number in range(start, start + 50))
        put_answer = registry.ask("PUT", put + query, what.content, [("content-type", what.media_type)])
        assert put_answer.status == 201
    first = registry.ask("GET", "/v2/app/tags/list")
    assert len(first.json()["tags"]) == 1_000
    assert len(registry.ask("GET", following(first)).json()["tags"]) == 50
    assert len(registry.ask("GET", "/v2/app/tags/list?n=2147483648").json()["tags"]) == 1_050


def test_a_repository_without_tags_has_an_empty_list_and_an_unknown_one_none(registry: InProcess) -> None:
    registry.push("app", image("app"))
    answer = registry.ask("GET", "/v2/app/tags/list")
    assert answer.body == b'{"name":"app","tags":[]}', "[] and never null"
    assert answer.header("content-type") == "application/json"
    assert_refused(registry.ask("GET", "/v2/other/tags/list"), 404, "NAME_UNKNOWN")
    head = registry.ask("HEAD", "/v2/app/tags/list")
    assert (head.status, head.body, head.header("content-length")) == (200, b"", str(len(answer.body)))


def test_repositories_come_in_byte_order(registry: InProcess) -> None:
    names = ["a", "a-b/c", "a/b", "a0", "b", "b.c", "b/c/d"]
    assert sorted(names, key=str.encode) == names
    assert registry.ask("GET", "/v2/_catalog").body == b'{"repositories":[]}'
    for name in reversed(names):
        registry.push_blob(name, EMPTY)
    assert registry.ask("GET", "/v2/_catalog").json() == {"repositories": names}
    page = registry.ask("GET", "/v2/_catalog?n=3&last=a")
    assert page.json() == {"repositories": names[1:4]}
    assert parse_qs(urlsplit(following(page)).query) == {"n": ["3"], "last": [names[3]]}


def test_referrers_have_pages_that_keep_the_filter(registry: InProcess) -> None:
    subject = image("app")
    registry.push("app", subject)
    kind = "application/vnd.example+type; a=\u00e4 &n=9"
    wanted = [artifact(f"wanted {number}", subject=subject, artifact_type=kind) for number in range(5)]
    for what in (*wanted, artifact("other", subject=subject)):
        registry.push("app", what)
    target = f"/v2/app/referrers/{subject.digest}?n=2&artifactType={quote(kind)}"
    seen: list[str] = []
    for _ in range(4):
        answer = registry.ask("GET", target)
        assert answer.status == 200
        assert answer.header("oci-filters-applied") == "artifactType"
        seen += [entry["digest"] for entry in answer.json()["manifests"]]
        target = following(answer)
        if not target:
            break
    assert seen == sorted(what.digest for what in wanted)


def test_a_list_of_referrers_stops_before_it_is_too_large_and_goes_on(registry: InProcess) -> None:
    """Annotations have up to 4 MiB: "A Link header MUST be included in the response when the descriptor list cannot be
    returned in a single manifest" ("Listing Referrers")."""
    subject = image("app")
    registry.push("app", subject)
    text = "x" * 1_200_000
    large = [artifact(f"large {number}", subject=subject, annotations={"k": text}) for number in range(3)]
    small = [artifact(f"small {number}", subject=subject, annotations={"k": "v"}) for number in range(3)]
    for what in (*large, *small):
        registry.push("app", what)
    # What a client listed itself counts as well.
    tag = str(subject.digest).replace(":", "-")
    listed = [artifact(f"listed {number}", annotations={"k": text}) for number in range(2)]
    entries = []
    for what in listed:
        registry.push("app", what)
        entries.append(what.piece.descriptor(artifactType="a/b", annotations={"k": text}))
    index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
    put = registry.ask(
        "PUT", f"/v2/app/manifests/{tag}", json.dumps(index).encode(), [("content-type", media_types.OCI_INDEX)]
    )
    assert put.status == 201
    everything = sorted(what.digest for what in (*large, *small, *listed))
    for query in ("", "?n=10000"):
        seen: list[str] = []
        target = f"/v2/app/referrers/{subject.digest}{query}"
        while target:
            answer = registry.ask("GET", target)
            assert answer.status == 200
            assert len(answer.body) <= PAGE_BYTES
            found = [entry["digest"] for entry in answer.json()["manifests"]]
            assert found
            seen += found
            target = following(answer)
        assert seen == everything


def test_an_index_that_is_tagged_with_its_own_digest_has_no_referrers(registry: InProcess) -> None:
    """Nor do the images of another index refer to what it was tagged after."""
    tagged, other = platform_index("tagged"), platform_index("other")
    for what, under in ((tagged, tagged), (other, image("app"))):
        registry.push("app", what)
        tag = str(under.digest).replace(":", "-")
        put = registry.ask("PUT", f"/v2/app/manifests/{tag}", what.content, [("content-type", what.media_type)])
        assert put.status == 201
        found = registry.ask("GET", f"/v2/app/referrers/{under.digest}")
        assert json.loads(found.body)["manifests"] == []


def test_pages_of_referrers_that_clients_listed_themselves(registry: InProcess) -> None:
    """Entries of an index under the fallback tag join the list; pages neither lose nor repeat one."""
    subject = image("app")
    registry.push("app", subject)
    own = [artifact(f"own {number}", subject=subject) for number in range(4)]
    for what in own:
        registry.push("app", what)
    listed = [artifact(f"listed {number}") for number in range(3)]
    for what in listed:
        registry.push("app", what)
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [what.piece.descriptor(artifactType="application/vnd.example.sbom") for what in (*listed, own[0])],
    }
    tag = str(subject.digest).replace(":", "-")
    put = registry.ask(
        "PUT", f"/v2/app/manifests/{tag}", json.dumps(index).encode(), [("content-type", media_types.OCI_INDEX)]
    )
    assert put.status == 201
    everything = sorted(what.digest for what in (*own, *listed))
    for size in (0, 1, 2, 3, 6, 7, 8):
        seen: list[str] = []
        target = f"/v2/app/referrers/{subject.digest}?n={size}"
        for _ in range(10):
            answer = registry.ask("GET", target)
            assert answer.status == 200
            seen += [entry["digest"] for entry in answer.json()["manifests"]]
            target = following(answer)
            if not target:
                break
        assert seen == (everything if size else []), f"in pages of {size}"
