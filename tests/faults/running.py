"""A server that something is done to: it may log errors but no traceback, and has to end well if it still runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import OrlopServer


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[OrlopServer]:
    """A server in `folder` that is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    server = OrlopServer(folder, settings)
    try:
        server.start()
        yield server
        if server.is_running:
            assert server.stop() == 0, server.log_text()[-4000:]
        assert "Traceback" not in server.log_text(), server.log_text()[-4000:]
    finally:
        server.kill()
