"""How old an image says that it is."""

import msgspec
import pytest

from orlop.domain import media_types
from orlop.domain.durations import SECOND
from orlop.domain.names import RepositoryName
from orlop.services.upstreams.ages import made_at
from tests.content import Piece, Pushable, image, index, stating
from tests.registry import CountedIds, HandClock, Registry, in_memory
from tests.unit.services.test_own import own

APP = RepositoryName("app")
NEW_YEAR = 1_704_067_200 * SECOND


def dated(created: str) -> Pushable:
    config = Piece("dated", media_types.OCI_CONFIG, msgspec.json.encode({"created": created}))
    return stating("dated", [config.descriptor()], [config])


async def told(what: Pushable) -> int | None:
    registry = Registry(in_memory(HandClock()).stores, HandClock(), CountedIds())
    await registry.push(APP, what)
    content = own(registry, APP)
    return await made_at(content, content, what.digest)


@pytest.mark.parametrize(
    ("created", "at"),
    [
        ("2024-01-01T00:00:00Z", NEW_YEAR),
        ("2024-01-01T00:00:00.123456789Z", NEW_YEAR),
        ("2024-01-01T02:00:00+02:00", NEW_YEAR),
        ("2023-12-31T19:00:00-05:00", NEW_YEAR),
        ("1970-01-01T00:00:00Z", 0),
        ("yesterday", None),
        ("", None),
    ],
)
async def test_an_image_says_when_it_was_made(created: str, at: int | None) -> None:
    assert await told(dated(created)) == at


async def test_of_an_index_its_first_image_counts() -> None:
    assert await told(index("all", [dated("2024-01-01T00:00:00Z"), image("more")])) == NEW_YEAR


async def test_an_annotation_says_it_of_what_is_no_image() -> None:
    annotations = {"org.opencontainers.image.created": "2024-01-01T00:00:00Z"}
    assert await told(image("chart", annotations=annotations)) == NEW_YEAR
    assert await told(image("chart")) is None
