"""Which versions advisories hit. Records are made for these tests; real ones are read where they lie beside."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.ecosystems import Key
from orlop.domain.inside.matching import Hit, hit
from orlop.domain.inside.osv import EVENTS, VERSIONS, Advisory, joined, parse
from orlop.domain.inside.severity import SaidSeverity, raised, said_by

CVSS = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]


def record(*events: dict[str, str], ecosystem: str = "npm", name: str = "ship", **more: Any) -> dict[str, Any]:
    """A record about one package."""
    entry = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}] if events else [],
    }
    about = {key: more.pop(key) for key in ("versions", "ecosystem_specific", "database_specific") if key in more}
    return {"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "affected": [entry | about], **more}


def found(advisory: dict[str, Any], version: str, ecosystem: str = "npm", name: str = "ship") -> Hit | None:
    return hit(parse(advisory), Key(ecosystem, name, version))


SINCE, MENDED = {"introduced": "1.0.0"}, {"fixed": "1.4.0"}


@pytest.mark.parametrize(
    ("events", "hits", "misses"),
    [
        ([{"introduced": "0"}], "0.0.1 9.9.9", ""),
        ([{"introduced": "0"}, MENDED], "0.0.1 1.3.9 1.4.0-rc.1", "1.4.0 2.0.0"),
        ([SINCE, MENDED], "1.0.0 1.3.9", "0.9.9 1.0.0-rc.1 1.4.0"),
        ([MENDED, SINCE], "1.0.0 1.3.9", "0.9.9 1.4.0"),
        ([{"fixed": "3.2.5"}, SINCE, {"introduced": "3.0.0"}, MENDED], "1.0.0 3.0.0 3.2.4", "0.9.9 1.4.0 2.9.9 3.2.5"),
        ([SINCE, MENDED, {"introduced": "1.4.0"}, {"fixed": "1.5.0"}], "1.3.9 1.4.0 1.4.9", "1.5.0"),
        ([{"introduced": "1.0.0"}, {"fixed": "1.0.0"}], "", "0.9.9 1.0.0 1.0.1"),
        ([SINCE, {"last_affected": "1.4.0"}], "1.0.0 1.4.0", "0.9.9 1.4.1"),
        ([{"introduced": "1.4.0"}, {"last_affected": "1.4.0"}], "1.4.0 1.4", "1.3.9 1.4.1"),
        ([{"introduced": "0"}, {"limit": "1.4.0"}], "0.1.0 1.3.9", "1.4.0"),
        ([{"introduced": "0"}, {"limit": "*"}], "0.1.0 9.0.0", ""),
        ([{"introduced": "0"}, {"limit": "1.4.0"}, {"limit": "2.0.0"}], "1.9.9", "2.0.0"),
        ([{"introduced": "0", "fixed": "1.4.0"}], "1.3.9", "1.4.0"),
    ],
)
def test_a_version_lies_in_a_range(events: list[dict[str, str]], hits: str, misses: str) -> None:
    advisory = record(*events)
    for version in hits.split():
        assert found(advisory, version) is not None, version
    for version in misses.split():
        assert found(advisory, version) is None, version


def test_a_hit_says_what_mends_it() -> None:
    advisory = record(
        SINCE, MENDED, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}, {"introduced": "3.0.0"}, severity=CVSS
    )
    assert found(advisory, "1.2.0") == Hit(
        fixed=("1.4.0",), range=">=1.0.0, <1.4.0", severity="critical", source="CVSS 3.1"
    )
    assert found(advisory, "2.0.1") == Hit(
        fixed=("2.1.0",), range=">=2.0.0, <2.1.0", severity="critical", source="CVSS 3.1"
    )
    assert found(advisory, "3.1.0") == Hit(range=">=3.0.0", severity="critical", source="CVSS 3.1")
    last = found(record({"introduced": "0"}, {"last_affected": "1.4.0"}), "1.0.0")
    assert last == Hit(last_affected="1.4.0", range="<=1.4.0")


def test_several_ranges_of_one_package() -> None:
    advisory = record()
    advisory["affected"][0]["ranges"] = [
        {"type": "GIT", "repo": "https://example.org/ship", "events": [{"introduced": "0"}]},
        {"type": "SEMVER", "events": [SINCE, MENDED]},
        {"type": "SEMVER", "events": [{"introduced": "2.0.0"}, {"fixed": "2.1.0"}]},
    ]
    assert [found(advisory, each) is not None for each in ("0.9.0", "1.2.0", "1.4.0", "2.0.5", "2.1.0")] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_several_entries_of_one_package() -> None:
    advisory = record(SINCE, MENDED)
    advisory["affected"] += record({"introduced": "2.0.0"}, {"fixed": "2.1.0"})["affected"]
    hits = found(advisory, "2.0.5")
    assert hits is not None
    assert hits.fixed == ("2.1.0",)


def test_listed_versions_are_compared_and_not_their_spelling() -> None:
    advisory = record(ecosystem="PyPI", versions=["3.2", "3.2.1", "4.0rc1", "not a version"])
    for version in ("3.2", "3.2.0", "v3.2.1", "4.0-RC.1"):
        assert found(advisory, version, "PyPI") is not None
    assert found(advisory, "3.2.2", "PyPI") is None


def test_a_listed_version_outside_of_ranges_is_hit_and_mended_by_what_comes_next() -> None:
    advisory = record({"introduced": "2.0"}, {"fixed": "2.4"}, ecosystem="PyPI", versions=["1.0", "2.1"])
    hits = found(advisory, "1.0.0", "PyPI")
    assert hits is not None
    assert hits.fixed == ("2.4",)


@pytest.mark.parametrize(
    ("ecosystem", "name", "key"),
    [
        ("PyPI", "Django_Ship", "django-ship"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("Packagist", "Vendor/Ship", "vendor/ship"),
        ("Maven", "org.example:Ship", "org.example:Ship"),
    ],
)
def test_names_are_those_of_keys(ecosystem: str, name: str, key: str) -> None:
    assert found(record({"introduced": "0"}, ecosystem=ecosystem, name=name), "1.0.0", ecosystem, key) is not None


def test_the_repository_of_an_ecosystem_is_left_out() -> None:
    advisory = record({"introduced": "0"}, ecosystem="Maven:https://maven.example.org", name="a:b")
    assert found(advisory, "1", "Maven", "a:b") is not None


def test_what_is_said_of_no_release_gives_way_to_what_is_said_of_one() -> None:
    advisory = record({"introduced": "0"}, {"fixed": "2.0-1"}, ecosystem="Debian")
    assert found(advisory, "1.0-1", "Debian") is not None
    advisory["affected"] += record({"introduced": "0"}, {"fixed": "1.0-1+deb12u1"}, ecosystem="Debian:12")["affected"]
    assert found(advisory, "1.0-1", "Debian") is None
    assert found(advisory, "1.0-1", "Debian:12") is not None
    assert found(advisory, "1.0-1+deb12u1", "Debian:12") is None
    assert found(advisory, "1.0-1", "Debian:11") is None


def test_one_that_was_withdrawn_hits_nothing() -> None:
    advisory = record({"introduced": "0"}, withdrawn="2026-02-01T00:00:00Z")
    assert parse(advisory).withdrawn == 1_769_904_000_000_000
    assert found(advisory, "1.0.0") is None


def test_a_version_that_cannot_be_compared_may_be_hit() -> None:
    limited = record({"introduced": "0"}, {"fixed": "1.4.0"}, ecosystem="Go", name="example.org/ship")
    hits = found(limited, "(devel)", "Go", "example.org/ship")
    assert hits == Hit(fixed=("1.4.0",), uncertain="the version (devel) cannot be compared")
    everything = found(record({"introduced": "0"}, ecosystem="Go"), "(devel)", "Go")
    assert everything == Hit(range="all versions")
    assert found(record(ecosystem="Go", versions=["1.0.0"]), "(devel)", "Go") is None
    broken = found(record({"introduced": "0"}, {"fixed": "one"}), "1.0.0")
    assert broken is not None
    assert "'one'" in broken.uncertain


def test_an_ecosystem_without_an_order_compares_listed_versions_alone() -> None:
    advisory = record({"introduced": "1.0"}, {"fixed": "1.1"}, ecosystem="CRAN", versions=["1.0"])
    assert found(advisory, "1.0", "CRAN") == Hit(fixed=("1.1",), range="1.0")
    possible = found(advisory, "1.0.5", "CRAN")
    assert possible is not None
    assert possible.uncertain == "how CRAN orders its versions is not known"


def test_releases_of_go() -> None:
    advisory = record({"introduced": "0"}, {"fixed": "1.20.8"}, {"introduced": "1.21.0-0"}, {"fixed": "1.21.1"})
    advisory["affected"][0]["package"] = {"ecosystem": "Go", "name": "stdlib"}
    for version, affected in {"1.20.7": 1, "1.20.8": 0, "1.21rc2": 1, "1.21": 1, "1.21.1": 0, "1.19": 1}.items():
        assert (found(advisory, version, "Go", "stdlib") is not None) is bool(affected), version


# --- How bad it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advisory", "ecosystem", "severity", "source"),
    [
        (record({"introduced": "0"}), "npm", "unknown", ""),
        (record({"introduced": "0"}, severity=CVSS), "npm", "critical", "CVSS 3.1"),
        (record({"introduced": "0"}, database_specific={"severity": "MODERATE"}), "npm", "medium", "npm"),
        (
            record({"introduced": "0"}, severity=CVSS, ecosystem="Debian:12", ecosystem_specific={"urgency": "low**"}),
            "Debian:12",
            "low",
            "Debian",
        ),
        (
            record(
                {"introduced": "0"},
                severity=CVSS,
                ecosystem="Debian:12",
                ecosystem_specific={"urgency": "not yet assigned"},
            ),
            "Debian:12",
            "critical",
            "CVSS 3.1",
        ),
        (
            record(
                {"introduced": "0"},
                ecosystem="Ubuntu:24.04:LTS",
                severity=[*CVSS, {"type": "Ubuntu", "score": "medium"}],
            ),
            "Ubuntu:24.04:LTS",
            "medium",
            "Ubuntu",
        ),
        (
            record({"introduced": "0"}, ecosystem="AlmaLinux:9", id="ALSA-2026:1", summary="Important: ship update"),
            "AlmaLinux:9",
            "high",
            "AlmaLinux",
        ),
        (
            record({"introduced": "0"}, ecosystem="crates.io", database_specific={"informational": "unmaintained"}),
            "crates.io",
            "none",
            "unmaintained",
        ),
    ],
)
def test_the_word_of_the_distribution_comes_before_scores(
    advisory: dict[str, Any], ecosystem: str, severity: str, source: str
) -> None:
    hits = found(advisory, "1.0.0", ecosystem)
    assert hits is not None
    assert (hits.severity, hits.source) == (severity, source)


def test_what_is_exploited_is_high_at_least() -> None:
    low = SaidSeverity("low", "Debian")
    assert raised(low, exploited=False) == low
    assert raised(low, exploited=True) == SaidSeverity("high", "CISA KEV, Debian: low")
    assert raised(SaidSeverity("unknown", ""), exploited=True) == SaidSeverity("high", "CISA KEV")
    assert raised(SaidSeverity("critical", "Ubuntu"), exploited=True).source == "Ubuntu"


# --- Reading ------------------------------------------------------------------------------------------------------


def test_what_a_record_says() -> None:
    advisory = parse(
        msgspec.json.encode(
            record(
                SINCE,
                MENDED,
                published="0001-01-01T00:00:00Z",
                aliases=["CVE-2026-1", "CVE-2026-1", ""],
                upstream=None,
                related=["CVE-2026-2"],
                summary="It sinks",
                references=[{"type": "WEB", "url": "https://example.org"}],
                credits="anything",
            )
        )
    )
    assert (advisory.id, advisory.modified, advisory.published) == ("TEST-1", 1_767_225_600_000_000, 0)
    assert (advisory.aliases, advisory.upstream, advisory.related) == (("CVE-2026-1",), (), ("CVE-2026-2",))
    assert advisory.fixed == ("1.4.0",)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(advisory), type=Advisory) == advisory


def test_records_of_one_id_are_joined() -> None:
    older = parse(record({"introduced": "0"}, {"fixed": "1-1.el8"}, ecosystem="AlmaLinux:8", related=["CVE-2026-1"]))
    later = parse(
        record(
            {"introduced": "0"},
            {"fixed": "1-1.el9"},
            ecosystem="AlmaLinux:9",
            related=["CVE-2026-2"],
            summary="Important: ship update",
        )
        | {"modified": "2026-02-01T00:00:00Z"}
    )
    for both in (joined(older, later), joined(later, older)):
        assert (both.summary, both.modified) == (later.summary, later.modified)
        assert {each.package.ecosystem for each in both.affected} == {"AlmaLinux:8", "AlmaLinux:9"}
        assert set(both.related) == {"CVE-2026-1", "CVE-2026-2"}
    assert joined(older, older) == older


def test_how_bad_an_advisory_is_for_what_it_is_worst() -> None:
    advisory = record({"introduced": "0"}, ecosystem="Debian:12", ecosystem_specific={"urgency": "low"})
    advisory["affected"] += record(ecosystem="Debian:11", ecosystem_specific={"urgency": "high"})["affected"]
    assert said_by(parse(advisory)) == SaidSeverity("high", "Debian")
    assert said_by(parse({"id": "TEST-1", "severity": CVSS})) == SaidSeverity("critical", "CVSS 3.1")
    assert said_by(parse({"id": "TEST-1"})) == SaidSeverity("unknown", "")


@pytest.mark.parametrize(
    ("time_text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00.5Z", 951_825_600_500_000),
        ("2024-03-01T01:00:00+01:00", 1_709_251_200_000_000),
        ("2024-02-29", 1_709_164_800_000_000),
        ("1969-12-31T23:59:59Z", 0),
    ],
)
def test_times(time_text: str, microseconds: int) -> None:
    assert parse({"id": "TEST-1", "modified": time_text}).modified == microseconds


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"\xff",
        b"{" * 100_000,
        b'{"id": 1}',
        b'{"id": ""}',
        b'{"id": "a b"}',
        b'{"id": "X-1", "modified": "yesterday"}',
        b'{"id": "X-1", "modified": "2026-13-01T00:00:00Z"}',
        msgspec.json.encode({"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "n" * 600}}]}),
        msgspec.json.encode(record(*[{"introduced": "1"}] * (EVENTS + 1))),
        msgspec.json.encode(record(versions=["1"] * (VERSIONS + 1))),
        msgspec.json.encode(
            {"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "n"}, "ranges": [{"type": "?"}]}]}
        ),
    ],
)
def test_what_is_no_record_is_refused_with_a_sentence(wrong: bytes) -> None:
    with pytest.raises(RequestInvalid) as refused:
        parse(wrong)
    assert 5 < len(refused.value.message) < 300


# --- Real records -------------------------------------------------------------------------------------------------


def _advisories() -> Path:
    beside = Path(__file__).resolve().parents[4] / "shared" / "advisories"
    return Path(os.environ.get("ORLOP_TEST_ADVISORIES") or beside)


@pytest.fixture(scope="module")
def real() -> list[Advisory]:
    zstd = pytest.importorskip("backports.zstd")
    files = sorted(_advisories().glob("*.jsonl.zst"))
    if not files:
        pytest.skip("no advisories beside the checkout, nor where ORLOP_TEST_ADVISORIES says")
    lines = [line for file in files for line in zstd.decompress(file.read_bytes()).split(b"\n") if line]
    advisories = [parse(line) for line in lines]
    assert len(advisories) > 25_000
    return advisories


@pytest.mark.parametrize(
    ("key", "least", "among"),
    [
        (Key("PyPI", "django", "3.2.0"), 25, "PYSEC-2024-47"),
        (Key("PyPI", "django", "3.2"), 25, "PYSEC-2024-47"),
        (Key("Debian:11", "openssl", "1.1.1k-1"), 5, "DSA-4963-1"),
        (Key("Go", "stdlib", "1.20.0"), 50, "GO-2023-1571"),
        (Key("AlmaLinux:9", "openssl-libs", "1:3.0.1-1.el9"), 10, ""),
        (Key("crates.io", "openssl", "0.10.30"), 5, "RUSTSEC-2025-0004"),
    ],
)
def test_real_advisories_hit(real: list[Advisory], key: Key, least: int, among: str) -> None:
    hits = {advisory.id: found for advisory in real if (found := hit(advisory, key)) is not None}
    assert len(hits) >= least
    assert not among or among in hits
    assert all(not each.uncertain for each in hits.values())


@pytest.mark.parametrize(
    "key", [Key("PyPI", "django", "99"), Key("Debian:11", "openssl", "9:9"), Key("Go", "stdlib", "99.0.0")]
)
def test_real_advisories_do_not_hit_what_is_mended(real: list[Advisory], key: Key) -> None:
    hits = [found for advisory in real if (found := hit(advisory, key)) is not None]
    assert all(not each.fixed for each in hits)
    assert len(hits) < 5
