"""What each finding means: where a check begins to warn and to fail, and what the sentence says."""

from typing import Any

import msgspec
import pytest

from orlop.domain import checkup
from orlop.domain.certificates import Certificate
from orlop.domain.checkup import BucketFacts, Check, DatabaseFacts, DiskFacts, ServerFacts, Verdict
from orlop.domain.durations import DAY, SECOND

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
DISK = DiskFacts("ext4", 50 << 30, 100 << 30, 900, 1000, 0.002, 3e8, True, 0)
DATABASE = DatabaseFacts("16.1", 0.001, 0, 100, True, True, True)
BUCKET = BucketFacts(0.012, 0)
SERVER = ServerFacts("https://r", "", 0.002, 0, (("catalog", "ok"),), True, "https://r/token", "", 90 * DAY)


def disk(**changed: Any) -> DiskFacts:
    return msgspec.structs.replace(DISK, **changed)


@pytest.mark.parametrize(
    ("skew", "verdict"),
    [(0, OK), (1_900_000, OK), (-3 * SECOND, WARN), (61 * SECOND, FAIL), (-61 * SECOND, FAIL), (None, WARN)],
)
def test_clocks(skew: int | None, verdict: Verdict) -> None:
    assert checkup.clock("there", skew).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "catalog", "verdict"),
    [
        (DISK, True, OK),
        (disk(locks=False), True, FAIL),
        (disk(kind="tmpfs"), True, WARN),
        (disk(kind="nfs4"), True, FAIL),
        (disk(kind="nfs4"), False, OK),
        (disk(kind="overlay"), True, WARN),
    ],
)
def test_file_systems(facts: DiskFacts, catalog: bool, verdict: Verdict) -> None:
    assert checkup.file_system("it", facts, holds_catalog=catalog).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (DISK, OK),
        (disk(sync_seconds=0.000005), WARN),  # no disk is that fast
        (disk(sync_seconds=0.08), WARN),
        (disk(kind="tmpfs", sync_seconds=0.000005), WARN),
    ],
)
def test_fsync(facts: DiskFacts, verdict: Verdict) -> None:
    assert checkup.durability("it", facts).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "verdict", "says"),
    [
        (DISK, OK, "900 inodes"),
        (disk(free=1 << 30), FAIL, "none is taken"),
        (disk(free=9 << 30), WARN, "9 GiB of 100 GiB"),
        (disk(inodes_free=9), WARN, "9 of 1000 inodes"),
        (disk(inodes_free=0), FAIL, "0 of 1000 inodes"),
        (disk(inodes_free=0, inodes=0), OK, "are free"),  # btrfs counts none
    ],
)
def test_room(facts: DiskFacts, verdict: Verdict, says: str) -> None:
    found = checkup.room("it", facts, 2 << 30)
    assert (found.verdict, says in found.says) == (verdict, True), found


def test_a_slow_disk_and_few_open_files() -> None:
    assert checkup.disk_speed("it", DISK).verdict is OK
    assert checkup.disk_speed("it", disk(speed=5e6)).verdict is WARN
    assert checkup.open_files(65_536, 4).verdict is OK
    few = checkup.open_files(1024, 2)
    assert (few.verdict, few.says) == (WARN, "1024 each let in 256 clients for each of 2 workers")


def failing(checks: tuple[Check, ...]) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in checks if check.verdict is not OK}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"writes": False}, {"rights in the database": FAIL}),
        ({"creates": False}, {"rights in the database": WARN}),
        ({"durable": False}, {"durability of the database": WARN}),
        ({"connections": 30}, {"connections to the database": FAIL}),
        ({"round_trip": 0.02}, {"way to the database": WARN}),
        ({"round_trip": 0.2}, {"way to the database": FAIL}),
        ({"skew": 90 * SECOND}, {"clock of the database": FAIL}),
    ],
)
def test_databases(changed: dict[str, Any], expected: dict[str, Verdict]) -> None:
    assert failing(checkup.database(msgspec.structs.replace(DATABASE, **changed), 32)) == expected


def test_buckets() -> None:
    assert failing(checkup.bucket(BUCKET)) == {}
    assert failing(checkup.bucket(msgspec.structs.replace(BUCKET, round_trip=0.2))) == {"way to the bucket": WARN}
    assert failing(checkup.bucket(msgspec.structs.replace(BUCKET, round_trip=2.0))) == {"way to the bucket": FAIL}
    refused = msgspec.structs.replace(BUCKET, refused=(("DeleteObject", "AccessDenied"),))
    assert failing(checkup.bucket(refused)) == {"rights in the bucket": FAIL}
    assert failing(checkup.bucket(msgspec.structs.replace(BUCKET, skew=20 * SECOND))) == {"clock of the bucket": WARN}


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (Certificate("tls.cert", "CN=r", 90 * DAY), OK),
        (Certificate("tls.cert", "CN=r", 20 * DAY), WARN),
        (Certificate("tls.cert", "CN=r", DAY), FAIL),
        (Certificate("tls.cert", "CN=r", -DAY), FAIL),
        (Certificate("tls.cert", "", 0, "no such file"), FAIL),
    ],
)
def test_certificates(one: Certificate, verdict: Verdict) -> None:
    assert checkup.certificate(one, 0).verdict is verdict


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"trouble": "refused"}, {"server https://r": FAIL}),
        ({"is_ready": False, "ready": (("catalog", "away"),)}, {"server https://r": FAIL}),
        ({"ready": (("catalog", "ok"), ("blobs", "read-only"))}, {"server https://r": WARN}),
        ({"realm_trouble": "refused"}, {"sign-in of clients": FAIL}),
        ({"ends_at": DAY}, {"certificate of the server": FAIL}),
        ({"round_trip": 0.2}, {}),
        ({"round_trip": 3.0}, {"way to the server": WARN}),
    ],
)
def test_servers(changed: dict[str, Any], expected: dict[str, Verdict]) -> None:
    assert failing(checkup.server(msgspec.structs.replace(SERVER, **changed), 0)) == expected


@pytest.mark.parametrize(
    ("url", "beyond", "tls", "proxied", "verdict"),
    [
        ("https://r", True, False, False, OK),
        ("http://r", True, False, False, WARN),
        ("", True, False, False, WARN),
        ("", True, True, False, OK),
        ("", True, False, True, OK),
        ("", False, False, False, OK),
    ],
)
def test_what_clients_are_told(url: str, beyond: bool, tls: bool, proxied: bool, verdict: Verdict) -> None:
    assert checkup.told_url(url, listens_beyond=beyond, has_tls=tls, is_proxied=proxied).verdict is verdict


def test_every_check_that_is_not_ok_says_what_to_do() -> None:
    found = [
        checkup.file_system("it", disk(kind="tmpfs"), holds_catalog=True),
        checkup.room("it", disk(free=0), 1),
        checkup.durability("it", disk(sync_seconds=1)),
        *checkup.database(DatabaseFacts("16", 1, 99 * SECOND, 1, False, False, False), 9),
        *checkup.bucket(BucketFacts(9, 99 * SECOND, (("GetObject", "AccessDenied"),))),
        *checkup.server(msgspec.structs.replace(SERVER, trouble="refused"), 0),
    ]
    assert [check for check in found if check.verdict is not OK and not check.do] == []
    assert checkup.worst(found) is FAIL
    assert checkup.worst(found[2:3]) is WARN
    assert checkup.worst([]) is OK
