"""Secrets that documents name: read where secrets are kept, and nowhere else."""

import os
from pathlib import Path

import pytest

from orlop.adapters.secret_references import SecretFetcher
from orlop.domain.errors import Unavailable
from orlop.domain.identity.secret_references import SecretPlaces, parse_secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of secrets as Kubernetes mounts one, beside what is none of anybody's business."""
    made = tmp_path / "secrets"
    (made / "..2026").mkdir(parents=True)
    (made / "..2026" / "ldap").write_text("hunter22\n")
    (made / "..data").symlink_to("..2026")
    (made / "ldap").symlink_to("..data/ldap")
    (tmp_path / "secrets-of-others").mkdir()
    (tmp_path / "secrets-of-others" / "key").write_text("theirs")
    (made / "outside").symlink_to(tmp_path / "secrets-of-others" / "key")
    (made / "up").symlink_to("..")
    (made / "environment").symlink_to("/proc/self/environ")
    os.mkfifo(made / "pipe")
    return made


def fetched(folder: Path, reference: str) -> str:
    return SecretFetcher(SecretPlaces((str(folder),), "ORLOP_SECRET_"))(parse_secret(reference))


def test_a_file_below_the_folder_is_read_through_links_that_stay_in_it(folder: Path) -> None:
    assert fetched(folder, f"file:{folder}/ldap") == "hunter22"
    assert fetched(folder, f"file:{folder}//.//ldap") == "hunter22"


def test_a_folder_may_be_a_link_itself(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert fetched(tmp_path / "link", f"file:{tmp_path}/link/ldap") == "hunter22"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/proc/self/environ", "secrets are below"),
        ("/etc/passwd", "secrets are below"),
        ("{0}", "secrets are below"),
        ("{0}/", "secrets are below"),
        ("{0}-of-others/key", "secrets are below"),
        ("{0}/../secrets-of-others/key", "secrets are below"),
        ("{0}/ldap/../../secrets-of-others/key", "secrets are below"),
        ("{0}/outside", "leads out of"),
        ("{0}/up/secrets-of-others/key", "leads out of"),
        ("{0}/environment", "leads out of"),
        ("{0}/..data", "is no file"),
        ("{0}/pipe", "is no file"),
        ("{0}/none", "cannot be read"),
    ],
)
def test_nothing_else_is_read(folder: Path, path: str, said: str) -> None:
    with pytest.raises(Unavailable, match=said):
        fetched(folder, f"file:{path.format(folder)}")


def test_only_variables_with_the_prefix_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORLOP_SECRET_LDAP", "hunter22")
    monkeypatch.setenv("ORLOP_BLOBS_SECRET_ACCESS_KEY", "theirs")
    assert fetched(folder, "env:ORLOP_SECRET_LDAP") == "hunter22"
    for name in ("ORLOP_BLOBS_SECRET_ACCESS_KEY", "HOME", "ORLOP_SECRET"):
        with pytest.raises(Unavailable, match="begin with ORLOP_SECRET_"):
            fetched(folder, f"env:{name}")
    with pytest.raises(Unavailable, match="holds no secret"):
        fetched(folder, "env:ORLOP_SECRET_NONE")


def test_without_places_nothing_is_read(folder: Path) -> None:
    nowhere = SecretFetcher(SecretPlaces())
    for reference in (f"file:{folder}/ldap", "env:HOME"):
        with pytest.raises(Unavailable, match="may not be read"):
            nowhere(parse_secret(reference))
    assert nowhere(parse_secret("as it is")) == "as it is"
