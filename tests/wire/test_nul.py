"""A NUL character, which is no part of any name and which PostgreSQL takes in no text, is refused or does no harm."""

import json

import pytest

from tests.content import image
from tests.wire.inprocess import InProcess

ONE = image("one")


@pytest.mark.parametrize("place", ["artifactType", "config"])
def test_in_a_media_type_of_a_manifest(registry: InProcess, place: str) -> None:
    registry.push("app", ONE, "v1")
    document = json.loads(ONE.content)
    if place == "config":
        document["config"]["mediaType"] = "a/b\0"
    else:
        document["artifactType"] = "a/b\0"
    put = registry.ask("PUT", "/v2/app/manifests/v2", json.dumps(document).encode(), [("content-type", ONE.media_type)])
    assert put.status == 400
    assert b"NUL" in put.body


def test_in_annotations(registry: InProcess) -> None:
    registry.push("app", image("annotated", annotations={"k\0": "v\0"}), "v1")
    assert registry.ask("GET", "/v2/app/manifests/v1").status == 200


def test_in_what_a_list_is_asked_for(registry: InProcess) -> None:
    registry.push("app", ONE, "v1", "v2")
    assert json.loads(registry.ask("GET", "/v2/app/tags/list?last=v1%00z").body)["tags"] == ["v2"]
    assert json.loads(registry.ask("GET", "/v2/_catalog?last=%00").body)["repositories"] == ["app"]
    assert registry.ask("GET", f"/v2/app/referrers/{ONE.digest}?artifactType=a/b%00").status == 400


def test_in_the_name_of_a_session(registry: InProcess) -> None:
    registry.push("app", ONE, "v1")
    assert registry.ask("GET", "/v2/app/blobs/uploads/%00").status == 404
