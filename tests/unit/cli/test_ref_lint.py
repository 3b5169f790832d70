"""`orlop ref lint` as it is typed: tables, JSON, exit codes, files that cannot be read."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orlop.bootstrap.commands.clients import ContentClients
from orlop.faces.cli import app
from orlop.faces.cli.references import commands as references

Orlop = Callable[..., int]


@pytest.fixture
def orlop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Orlop:
    """Runs a command line in a folder of its own; gives the exit code."""
    monkeypatch.chdir(tmp_path)
    root = app.build()
    references.register(root, ContentClients())
    return lambda *arguments: app.invoke(root, arguments)


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_table_shows_implied_parts_in_parentheses(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text(f"FROM nginx AS a\nFROM ghcr.io/x/y:1@sha256:{'ab' * 32}\nFROM $B\n")
    assert orlop("ref", "lint", "Dockerfile") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:5]] == [
        ["Dockerfile", "(dockerfile)"],
        ["LINE", "WHERE", "REGISTRY", "REPOSITORY", "TAG", "DIGEST"],
        ["1", "FROM", "…", "AS", "a", "(docker.io)", "(library/)nginx", "(latest)", "-"],
        ["2", "FROM", "ghcr.io", "x/y", "1", "sha256:abababababab…"],
        ["3", "FROM", "?", "$B", "?", "?"],
    ]
    assert any(line.startswith("Dockerfile:1:6: warning: ") and line.endswith("[implicit-latest]") for line in lines)
    assert lines[-1] == "3 references in 1 file: 0 errors, 3 warnings, 2 notes"


def test_json_has_every_part(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    Path("values.yaml").write_text("image: {repository: a, tag: '1'}\n")
    assert orlop("ref", "lint", "--json", "values.yaml") == 0
    document = _json(capsys)
    findings = document["files"][0]["references"][0].pop("findings")
    assert [(finding["level"], finding["code"]) for finding in findings] == [
        ("warning", "implicit-registry"),
        ("warning", "implicit-library"),
        ("note", "no-digest"),
    ]
    assert document == {
        "files": [
            {
                "file": "values.yaml",
                "format": "helm",
                "references": [
                    {
                        "line": 1,
                        "column": 21,
                        "start": 20,
                        "end": 21,
                        "where": "image",
                        "written": "a:1",
                        "reference": "docker.io/library/a:1",
                        "registry": "docker.io",
                        "repository": "library/a",
                        "tag": "1",
                        "digest": None,
                        "implied": ["registry", "namespace"],
                    }
                ],
            }
        ],
        "errors": 0,
        "warnings": 2,
        "notes": 1,
    }


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        ("FROM ghcr.io/a/b:1\n", (), 0),
        ("FROM ghcr.io/a/b:1\n", ("--strict",), 0),
        ("FROM a\n", (), 0),
        ("FROM a\n", ("--strict",), 1),
        ("FROM A/B\n", (), 1),
        ("RUN <<X\n", (), 1),
        ("", (), 0),
    ],
)
def test_exit_codes(orlop: Orlop, text: str, flags: tuple[str, ...], code: int) -> None:
    Path("Dockerfile").write_text(text)
    assert orlop("ref", "lint", *flags, "Dockerfile") == code


@pytest.mark.parametrize("arguments", [(), ("--as", "toml", "Dockerfile"), ("nowhere",), (".",), ("unknown.txt",)])
def test_a_wrong_command_line_ends_with_two(
    orlop: Orlop, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    Path("unknown.txt").write_text("hello\n")
    Path("Dockerfile").write_text("FROM a\n")
    assert orlop("ref", "lint", *arguments) == 2
    assert capsys.readouterr().err.startswith("orlop: ")


def test_a_file_that_is_not_there_does_not_keep_others_from_being_read(
    orlop: Orlop, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Dockerfile").write_text("FROM a\n")
    assert orlop("ref", "lint", "nowhere", "Dockerfile") == 2
    assert "Dockerfile:1:6: warning" in capsys.readouterr().out


def test_as_says_what_a_file_is(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    Path("unknown.txt").write_text("image: q.io/a:1\n")
    assert orlop("ref", "lint", "--as", "helm", "--json", "unknown.txt") == 0
    assert _json(capsys)["files"][0]["references"][0]["reference"] == "q.io/a:1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"FROM a\nFROM \xff\n", "Dockerfile:2: error: not UTF-8: byte 0xff"),
        ("FROM a\n".encode("utf-16"), "Dockerfile: error: UTF-16; only UTF-8 is read"),
        (b"#" * (8 * 1024 * 1024 + 1), "Dockerfile: error: larger than 8 MiB"),
    ],
)
def test_what_is_no_text_is_an_error_of_that_file(
    orlop: Orlop, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    Path("Dockerfile").write_bytes(content)
    assert orlop("ref", "lint", "Dockerfile") == 1
    assert message in capsys.readouterr().out
    assert orlop("ref", "lint", "--json", "Dockerfile") == 1
    document = _json(capsys)
    assert (document["errors"], document["files"][0]["error"]["message"] in message) == (1, True)


def test_a_template_is_noted(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pod.yaml").write_text("spec:\n  {{- if .Values.x }}\n  image: a\n  {{- end }}\n")
    assert orlop("ref", "lint", "--strict", "pod.yaml") == 0
    shown = capsys.readouterr().out
    assert "pod.yaml:2:5: note: not YAML: " in shown
    assert "a template has to be rendered first [template]\n" in shown
    assert shown.endswith("0 references in 1 file: 0 errors, 0 warnings, 1 note\n")
    assert orlop("ref", "lint", "--json", "pod.yaml") == 0
    assert "rendered first" in _json(capsys)["files"][0]["note"]["message"]


def test_a_pipe_is_refused_without_waiting_for_it(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("Dockerfile")
    assert orlop("ref", "lint", "Dockerfile") == 2
    assert "not a regular file" in capsys.readouterr().err


def test_escape_sequences_do_not_reach_the_terminal(orlop: Orlop, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text("FROM \x1b[31ma\x07 AS \x1b]0;x\x07\n")
    assert orlop("ref", "lint", "Dockerfile") == 1
    shown = capsys.readouterr()
    assert not any(not (c.isprintable() or c == "\n") for c in shown.out + shown.err)
