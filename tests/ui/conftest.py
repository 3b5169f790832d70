"""One registry with pages for all tests here, and one browser."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.oidc.machines import browsing
from tests.servers import OrlopServer
from tests.ui.site import PASSWORD, Site, fill


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Filled; tests that change something do it in places of their own."""
    with ExitStack() as stack:
        browser = stack.enter_context(browsing())
        folder = tmp_path_factory.mktemp("ui")
        server = OrlopServer(
            folder, {"open": False, "admin_password": PASSWORD, "workers": 1, "outbound_networks": "127.0.0.0/8"}
        )
        server.start()
        stack.callback(server.kill)
        site = Site(server, browser)
        fill(site)
        yield site
