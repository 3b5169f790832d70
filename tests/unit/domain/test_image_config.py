"""What is read out of the config of an image, also of one that lies."""

from typing import Any

import pytest

from orlop.domain.image_config import BaseImage, ImageConfig, base_of, parse_config

HISTORY = [
    {"created_by": "ADD rootfs.tar / # buildkit", "created": "2026-11-01T00:00:00Z", "comment": "buildkit"},
    {"created_by": "ENV A=b", "empty_layer": True},
    {"created_by": "RUN apt-get install curl"},
    {"created_by": 'CMD ["sh"]', "empty_layer": True},
]


def test_each_layer_has_the_step_that_made_it() -> None:
    steps = parse_config({"history": HISTORY}, 2).history
    assert [(step.layer, step.empty) for step in steps] == [(0, False), (None, True), (1, False), (None, True)]
    assert steps[0].command == "ADD rootfs.tar / # buildkit"


@pytest.mark.parametrize("layers", [0, 1, 3, 300])
def test_where_the_numbers_differ_no_step_is_said_to_have_made_a_layer(layers: int) -> None:
    steps = parse_config({"history": HISTORY}, layers).history
    assert [step.command for step in steps] == [entry["created_by"] for entry in HISTORY]
    assert {step.layer for step in steps} == {None}


def test_what_runs() -> None:
    found = parse_config(
        {
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "created": "2026-11-01T00:00:00Z",
            "config": {
                "Entrypoint": ["/bin/app"],
                "Cmd": ["serve"],
                "Env": ["PATH=/bin", "SECRET=x"],
                "User": "1000",
                "WorkingDir": "/srv",
                "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
                "Volumes": {"/data": {}},
                "StopSignal": "SIGINT",
                "Labels": {"b": "2", "a": "1"},
            },
        },
        0,
    )
    assert found.platform == "linux/arm64/v8"
    assert (found.entrypoint, found.cmd, found.env) == (("/bin/app",), ("serve",), ("PATH=/bin", "SECRET=x"))
    assert (found.user, found.working_dir, found.stop_signal) == ("1000", "/srv", "SIGINT")
    assert (found.ports, found.volumes) == (("53/udp", "8080/tcp"), ("/data",))
    assert list(found.labels) == ["a", "b"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"os": True, "architecture": [], "created": {}, "config": "none", "history": "none"},
        {"config": {"Env": {"A": "b"}, "Cmd": [1, None], "Labels": ["a"], "ExposedPorts": [], "User": {}}},
        {"history": [None, 1, "RUN"], "created": "0001-01-01T00:00:00Z"},
    ],
)
def test_fields_of_another_type_are_left_out(document: dict[str, Any]) -> None:
    assert parse_config(document, 3) == ImageConfig()


def test_a_base_is_what_annotations_or_labels_say() -> None:
    name, digest = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
    assert base_of({}, None) is None
    assert base_of({name: "debian:13"}, None) == BaseImage("debian:13", "")
    labelled = ImageConfig(labels={digest: "sha256:0"})
    assert base_of({}, labelled) == BaseImage("", "sha256:0")
    assert base_of({name: "debian:13"}, labelled) == BaseImage("debian:13", "")
