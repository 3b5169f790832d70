"""The registries that this folder's tests talk to, one of each for the whole run of a worker."""

from collections.abc import Iterator

import pytest

from tests.clientside import peers


@pytest.fixture(scope="session")
def distribution_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of distribution 2.8."""
    with peers.distribution(tmp_path_factory.mktemp("distribution")) as host:
        yield host


@pytest.fixture(scope="session")
def distribution_3_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of distribution 3."""
    with peers.distribution(tmp_path_factory.mktemp("distribution-3"), "registry") as host:
        yield host


@pytest.fixture(scope="session")
def zot_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of zot."""
    with peers.zot(tmp_path_factory.mktemp("zot")) as host:
        yield host


@pytest.fixture(scope="session")
def orlop_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of Orlop itself."""
    with peers.orlop(tmp_path_factory.mktemp("orlop")) as host:
        yield host


@pytest.fixture(params=[pytest.param("distribution", marks=pytest.mark.slow), "orlop"])
def peer(request: pytest.FixtureRequest) -> str:
    """`host:port` of each registry in turn."""
    host: str = request.getfixturevalue(f"{request.param}_peer")
    return host
