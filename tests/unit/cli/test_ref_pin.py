"""`orlop ref pin` on files: written whole or not at all, diffs, exit codes. Digests are those of names."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from orlop.domain.digest import Digest
from orlop.domain.references import ImageReference
from orlop.faces.cli.differences import unified_diff
from orlop.faces.cli.references.pin import pin_files
from orlop.faces.cli.textfiles import FileRefused, read_text, replace_text
from orlop.services.references.pin import Resolver
from tests.unit.references.resolving import Answers, digest_for


def _pin(
    *names: str, answers: Resolver | None = None, update: bool = False, dry_run: bool = False, json: bool = False
) -> int:
    paths = [Path(name) for name in names]
    return asyncio.run(pin_files(paths, None, answers or Answers(), update=update, dry_run=dry_run, json=json))


def _write(name: str, text: str) -> None:
    Path(name).write_text(text)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_files_are_pinned_in_place_and_keep_their_mode(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_bytes(b"\xef\xbb\xbfFROM a:1\r\n# \xc3\xa9\r\n")
    Path("Dockerfile").chmod(0o640)
    Path("values.yaml").write_text("image: {repository: q.io/b, tag: v1}\n")
    assert _pin("Dockerfile", "values.yaml") == 0
    expected = b"\xef\xbb\xbfFROM a:1@" + digest_for("a:1").encode() + b"\r\n# \xc3\xa9\r\n"
    assert Path("Dockerfile").read_bytes() == expected
    assert stat.S_IMODE(Path("Dockerfile").stat().st_mode) == 0o640
    assert Path("values.yaml").read_text() == f"image: {{repository: q.io/b, tag: v1@{digest_for('q.io/b:v1')}}}\n"
    assert f"Dockerfile:1:6: pinned a:1 {digest_for('a:1')}" in capsys.readouterr().out
    assert sorted(os.listdir()) == ["Dockerfile", "values.yaml"]


def test_a_symbolic_link_stays_one() -> None:
    Path("real").write_text("FROM a:1\n")
    Path("Dockerfile").symlink_to("real")
    assert _pin("Dockerfile", "real") == 0
    assert Path("Dockerfile").is_symlink()
    assert Path("real").read_text() == f"FROM a:1@{digest_for('a:1')}\n"


def test_a_dry_run_prints_what_patch_takes_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = "".join(f"# {n}\n" for n in range(20)) + "FROM a:1\n" + "".join(f"# {n}\n" for n in range(9)) + "FROM b:1"
    Path("Dockerfile").write_text(text)
    assert _pin("Dockerfile", dry_run=True) == 0
    assert Path("Dockerfile").read_text() == text
    diff = capsys.readouterr().out
    assert diff.startswith("--- a/Dockerfile\n+++ b/Dockerfile\n@@ -18,7 +18,7 @@\n # 17\n")
    assert diff.endswith("\\ No newline at end of file\n")
    assert _pin("Dockerfile") == 0
    pinned = Path("Dockerfile").read_text()
    git = shutil.which("git")
    assert git is not None
    Path("Dockerfile").write_text(text)
    subprocess.run([git, "apply", "-"], input=diff.encode(), check=True)
    assert Path("Dockerfile").read_text() == pinned


def test_a_diff_keeps_carriage_returns_and_is_empty_without_changes() -> None:
    assert unified_diff("x", "a\r\nb\r\n", "a\r\nc\r\n") == "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"
    assert unified_diff("x", "a\n", "a\n") == ""


def test_json_says_what_became_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text(f"FROM a:1\nFROM $X\nFROM b:1@{digest_for('b:1')}\nFROM c:1\n")
    assert _pin("Dockerfile", answers=Answers(unknown="/c:"), json=True) == 1
    [file] = json.loads(capsys.readouterr().out)["files"]
    assert file["written"] is True
    assert [(entry["written"], entry["outcome"], entry["pinned"]) for entry in file["references"]] == [
        ("a:1", "pinned", digest_for("a:1")),
        ("$X", "skipped", None),
        (f"b:1@{digest_for('b:1')}", "unchanged", digest_for("b:1")),
        ("c:1", "failed", None),
    ]


def test_a_file_that_changed_meanwhile_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text("FROM a:1\n")

    async def meddle(reference: ImageReference, /) -> Digest:
        _write("Dockerfile", "FROM b:2\n")
        return digest_for(str(reference))

    assert _pin("Dockerfile", answers=meddle) == 1
    assert Path("Dockerfile").read_text() == "FROM b:2\n"
    assert "changed by somebody else" in capsys.readouterr().err
    assert os.listdir() == ["Dockerfile"]


def test_what_needs_no_change_is_not_written() -> None:
    Path("Dockerfile").write_text(f"FROM a:1@{digest_for('a:1')}\n")
    before = Path("Dockerfile").stat()
    assert _pin("Dockerfile") == 0
    after = Path("Dockerfile").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_unreadable_file_does_not_keep_others_from_being_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    Path("compose.yaml").write_text("a: b: c\n")
    Path("Dockerfile").write_text("FROM a:1\n")
    assert _pin("compose.yaml", "Dockerfile") == 1
    assert Path("Dockerfile").read_text() == f"FROM a:1@{digest_for('a:1')}\n"
    assert "compose.yaml:1:5: error: not YAML" in capsys.readouterr().out
    assert _pin("nowhere", "Dockerfile") == 2


def test_variables_of_the_file_beside_a_compose_file_are_read_and_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("compose.yaml").write_text(
        "services: {a: {image: 'a:${V:-1}'}, b: {image: '${I:-b:1}'}, c: {image: '${J:-c:1}'}}\n"
    )
    Path(".env").write_text("# versions\nV=2\nexport I='q.io/b:3'\n")
    assert _pin("compose.yaml", json=True) == 0
    [file] = json.loads(capsys.readouterr().out)["files"]
    assert [(one["reference"], one["outcome"]) for one in file["references"]] == [
        ("docker.io/library/a:2", "skipped"),
        ("q.io/b:3", "skipped"),
        ("docker.io/library/c:1", "pinned"),
    ]
    assert Path(".env").read_text() == "# versions\nV=2\nexport I='q.io/b:3'\n"
    Path(".env").write_text("V='2\n")
    assert _pin("compose.yaml") == 1
    assert "compose.yaml: error: .env:1: a quotation mark is not closed" in capsys.readouterr().out


def test_a_template_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pod.yaml").write_text("spec:\n  {{- if .Values.x }}\n  image: a\n  {{- end }}\n")
    Path("Dockerfile").write_text("FROM a:1\n")
    assert _pin("pod.yaml", "Dockerfile") == 0
    assert "pod.yaml:2:5: note: not YAML" in capsys.readouterr().out
    assert Path("Dockerfile").read_text() == f"FROM a:1@{digest_for('a:1')}\n"


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    Path("Dockerfile").write_text("FROM a:1\n")
    file = read_text(Path("Dockerfile"))
    Path("Dockerfile").unlink()
    with pytest.raises(FileRefused, match="nothing was written"):
        replace_text(file, "FROM b:1\n")
    assert os.listdir() == []
