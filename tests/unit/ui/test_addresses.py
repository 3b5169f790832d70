"""What stands behind `/r/`, and which route takes a path."""

import pytest

from orlop.domain.digest import Digest
from orlop.domain.errors import NotFound
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.ui.addresses import ImageAddress, PlaceAddress, image_address, parse_address, place_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.routes import Route, Routes

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("team", PlaceAddress("team")),
        ("team/app", PlaceAddress("team/app")),
        ("team/app/", PlaceAddress("team/app")),
        ("team/app/history", PlaceAddress("team/app/history")),
        ("team/app/-/history", PlaceAddress("team/app", "history")),
        ("a--b/c.d__e/-/tags", PlaceAddress("a--b/c.d__e", "tags")),
        ("team/app:1.4", ImageAddress(RepositoryName("team/app"), Tag("1.4"))),
        (f"team/app@{DIGEST}", ImageAddress(RepositoryName("team/app"), Digest(DIGEST))),
        (f"team/app:1.4@{DIGEST}", ImageAddress(RepositoryName("team/app"), Digest(DIGEST))),
    ],
)
def test_an_address_is_of_a_place_or_of_an_image(text: str, found: PlaceAddress | ImageAddress) -> None:
    assert parse_address(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "-",
        "a//b",
        "A",
        "../x",
        "a/-",
        "a:",
        "a:-x",
        "a@",
        "a@sha256:ab",
        "a@md5:00",
        "a:b:c",
        "/-/tags",
        "a\x00",
        "a/\u202eb",
    ],
)
def test_what_is_neither_is_not_there(text: str) -> None:
    with pytest.raises(NotFound):
        parse_address(text)


def test_addresses_are_read_as_they_are_written() -> None:
    assert parse_address(place_address("team/app", "rules").removeprefix("/r/")) == PlaceAddress("team/app", "rules")
    for reference in ("v1", DIGEST):
        found = parse_address(image_address("team/app", reference).removeprefix("/r/"))
        assert isinstance(found, ImageAddress)
        assert (found.repository, found.reference) == ("team/app", reference)


async def _nobody(_: UiExchange) -> Reply:
    raise AssertionError("no page is shown here")


def test_a_route_takes_what_its_path_says() -> None:
    routes = Routes(
        [
            Route("GET", "/", _nobody),
            Route("GET", "/jobs", _nobody),
            Route("POST", "/jobs/{number}/cancel", _nobody),
            Route("GET", "/jobs/{number}", _nobody),
            Route("GET", "/r/{address:rest}", _nobody),
        ]
    )

    def found(method: str, path: str) -> tuple[str, dict[str, str]] | None:
        match = routes.find(method, path)
        return (match[0].path, dict(match[1])) if match else None

    assert found("GET", "/") == ("/", {})
    assert found("GET", "/jobs/7") == ("/jobs/{number}", {"number": "7"})
    assert found("POST", "/jobs/7/cancel") == ("/jobs/{number}/cancel", {"number": "7"})
    assert found("GET", "/r/a/b:c") == ("/r/{address:rest}", {"address": "a/b:c"})
    assert found("GET", "/jobs/7/cancel") is None
    assert found("GET", "/jobs/") is None
    assert found("GET", "/r/") is None
    assert found("GET", "/jobsx") is None
    assert routes.first == {"", "jobs", "r"}
    assert routes.has("/jobs")
    assert not routes.has("/people")
