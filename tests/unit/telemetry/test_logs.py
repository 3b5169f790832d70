"""The log of events."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from orlop.telemetry import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_lines_from_both_kinds_of_logger() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger().info("blob removed", size=3)
    logging.getLogger("library").warning("foreign %s", "words")
    structlog.get_logger().debug("not this")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time")
    assert second.pop("time")
    assert first == {"event": "blob removed", "level": "info", "size": 3}
    assert second == {"event": "foreign words", "level": "warning"}


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("name", ["password", "Authorization", "secret_access_key", "robot_token"])
def test_secrets_are_not_written(style: str, name: str) -> None:
    stream = io.StringIO()
    logs.configure("info", style, stream)  # type: ignore[arg-type]
    structlog.get_logger().info("signed in", **{name: "hunter2"})
    assert "hunter2" not in stream.getvalue()
    assert logs.REDACTED in stream.getvalue()


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_shows_no_local_variables(style: str) -> None:
    stream = io.StringIO()
    logs.configure("info", style, stream)  # type: ignore[arg-type]
    hidden = "hunter2" + "!"
    try:
        int("x")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert hidden not in stream.getvalue()
