"""Exceptions: which findings they accept, of which images, and how long."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.exceptions import EXCEPTIONS, FindingException

LOG4J = "pkg:maven/org.apache.logging.log4j/log4j-core"
IDS = frozenset({"GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228"})


def made(**said: Any) -> FindingException:
    body = {"until": "2027-01-31", "reason": "it has no network", **said}
    parsed: FindingException = EXCEPTIONS.parse("log4j", body)
    return parsed


@pytest.mark.parametrize(
    ("said", "accepts"),
    [
        ({"cves": ["CVE-2021-44228"]}, True),
        ({"cves": ["GHSA-jfh8-c2jp-5v3q"]}, True),
        ({"cves": ["CVE-2021-45046", "CVE-2021-44228"]}, True),
        ({"cves": ["CVE-2021-45046"]}, False),
        ({"packages": [LOG4J]}, True),
        ({"packages": ["pkg:maven/org.apache.logging.log4j/*"]}, True),
        ({"packages": ["pkg:maven/*/log4j-*"]}, True),
        ({"packages": ["pkg:maven/*/log4j"]}, False),
        ({"packages": ["pkg:maven/*log4j*log4j-core"]}, True),
        ({"packages": ["pkg:maven/*log4j-core*log4j-core"]}, False),
        ({"packages": [f"{LOG4J}-x"]}, False),
        ({"cves": ["CVE-2021-44228"], "packages": [LOG4J]}, True),
        ({"cves": ["CVE-2021-44228"], "packages": ["pkg:pypi/django"]}, False),
        ({"cves": ["CVE-2021-45046"], "packages": [LOG4J]}, False),
    ],
)
def test_which_findings_it_accepts(said: dict[str, Any], accepts: bool) -> None:
    assert made(**said).accepts(IDS, LOG4J) is accepts


@pytest.mark.parametrize(
    ("images", "covers"),
    [
        ([], True),
        (["app-test*"], True),
        (["app"], False),
        (["*"], True),
        (["backend/*"], False),
        (["web", "app-test-1"], True),
        (["app-test-1:1.*"], True),
        (["app-test-1:2.*"], False),
        (["team/app-test-1"], False),
    ],
)
def test_which_images_it_is_about(images: list[str], covers: bool) -> None:
    exception = made(cves=["CVE-2021-44228"], images=images)
    assert exception.covers("team", "team/app-test-1", frozenset({"1.4.0", "latest"})) is covers


def test_of_the_registry_it_names_repositories_in_full() -> None:
    exception = made(cves=["CVE-2021-44228"], images=["team/app*"])
    assert exception.covers("", "team/app", frozenset())
    assert not exception.covers("", "other/team/app", frozenset())


def test_at_a_repository_it_is_named_by_the_last_part_of_its_name() -> None:
    exception = made(cves=["CVE-2021-44228"], images=["app:1.*"])
    for repository in ("team/app", "app"):
        assert exception.covers(repository, repository, frozenset({"1.4"}))
        assert not exception.covers(repository, repository, frozenset({"2.0"}))
    assert not exception.covers("team", "team/other/app", frozenset({"1.4"}))


def test_it_holds_to_the_end_of_its_last_day() -> None:
    exception = made(cves=["CVE-2021-44228"])
    end = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert exception.ends_at == end
    assert exception.holds(end - 1)
    assert not exception.holds(end)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "name cves, packages or licences"),
        ({"cves": ["log4shell"]}, "'log4shell' is no id of an advisory"),
        ({"cves": ["CVE-2021-1 OR 1"]}, "is no id of an advisory"),
        ({"cves": ["CVE-2021-44228"], "until": "2027-02-30"}, "until: '2027-02-30' is no day"),
        ({"cves": ["CVE-2021-44228"], "until": "in 30 days"}, "until: 'in 30 days' is no day"),
        ({"cves": ["CVE-2021-44228"], "until": "9999-12-31"}, "until: '9999-12-31' is too far away"),
        ({"cves": ["CVE-2021-44228"], "reason": "   "}, "reason: say why"),
        ({"packages": ["log4j-core"]}, "is no package URL without a version"),
        ({"packages": [f"{LOG4J}@2.14.0"]}, "is no package URL without a version"),
        ({"cves": ["CVE-2021-44228"], "images": ["app:"]}, "is no pattern of repositories"),
        ({"cves": ["CVE-2021-44228"], "images": ["app v1"]}, "is no pattern of repositories"),
        ({"cves": ["CVE-2021-44228"], "forever": True}, "forever"),
    ],
)
def test_what_is_none(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(sentence)):
        made(**said)
