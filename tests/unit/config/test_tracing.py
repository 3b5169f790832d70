"""What names a receiver of traces."""

import pytest

from orlop.config.errors import ConfigurationInvalid
from orlop.config.tracing import Tracing, check_tracing


@pytest.mark.parametrize("url", ["", "http://collector:4318", "https://collector.example/otlp/v1/traces"])
def test_urls(url: str) -> None:
    check_tracing(Tracing(endpoint=url))


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://c:4317", "http://", "http://u:p@c", "http://c/?x=1", "http://c:0", "http://[c"]
)
def test_what_is_none(url: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"tracing\.endpoint"):
        check_tracing(Tracing(endpoint=url))
