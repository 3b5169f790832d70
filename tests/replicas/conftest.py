"""What the replicas share."""

from collections.abc import Iterator

import pytest

from tests.memory import folders_in_memory
from tests.s3 import S3Server, versitygw

__all__ = ["folders_in_memory"]


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server with the bucket `fleet`."""
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.made("fleet")
        yield server
