"""The command line as a program: exit codes, one sentence for every error, output that programs can read."""

import json
import subprocess
from pathlib import Path

import pytest

import orlop
from orlop.config.sources import all_settings
from orlop.faces.cli import overview
from tests.serving import PATIENCE, command, environment, serving

pytestmark = pytest.mark.slow  # a process for each case


def orlop_run(
    *arguments: str, settings: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(settings), cwd=folder, capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_version(asked: str) -> None:
    ended = orlop_run(asked)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"orlop {orlop.__version__}\n", "")


@pytest.mark.parametrize("asked", [["--help"], []])
def test_help_names_every_command(asked: list[str]) -> None:
    ended = orlop_run(*asked)
    assert ended.returncode == 0
    for name in ("serve", "gc", "verify", "config", "version"):
        assert f"  {name}" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "nonsense"),
        (["gc", "--nonsense"], "--nonsense"),
        (["gc", "--grace", "soon"], "--grace: 'soon' is not a duration such as 90s"),
        (["verify", "surplus"], "surplus"),
        (["config", "show", "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["serve", "--workers"], "workers"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_exit_code_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    ended = orlop_run(*arguments, folder=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert ended.stderr.startswith("orlop: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


@pytest.mark.parametrize("name", ["gc", "verify"])
def test_stores_that_are_not_there_are_one_sentence_and_exit_code_1(tmp_path: Path, name: str) -> None:
    ended = orlop_run(name, folder=tmp_path)
    assert ended.returncode == 1
    assert "there is no data folder at" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["gc", "verify"])
def test_stores_in_memory_cannot_be_opened_from_outside(name: str) -> None:
    ended = orlop_run(name, settings={"ORLOP_CATALOG_URL": "memory", "ORLOP_BLOBS_URL": "memory"})
    assert ended.returncode == 2
    assert "stores in memory belong to the server" in ended.stderr


def test_config_show_tells_values_and_sources(tmp_path: Path) -> None:
    (tmp_path / "orlop.toml").write_text('[gc]\ngrace = "2h"\n')
    shown = orlop_run(
        "config", "show", "--json", "--config", "orlop.toml", settings={"ORLOP_WORKERS": "3"}, folder=tmp_path
    )
    rows = {row["key"]: (row["value"], row["source"]) for row in json.loads(shown.stdout)}
    assert list(rows) == list(all_settings())
    assert rows["gc.grace"] == ("2h", "orlop.toml")
    assert rows["workers"] == ("3", "ORLOP_WORKERS")
    assert rows["listen"] == ("127.0.0.1:5000", "default")
    table = orlop_run("config", "show", settings={"ORLOP_WORKERS": "3"}).stdout.splitlines()
    assert ["workers", "3", "ORLOP_WORKERS"] in [line.split() for line in table]


def test_gc_and_verify_beside_a_server_and_after_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert server.ask("POST", "/v2/app/blobs/uploads/").status == 202
        beside = orlop_run("verify", "--json", "--data", str(server.data))
        assert beside.returncode == 0
        assert json.loads(beside.stdout)["findings"] == []
    collected = orlop_run("gc", "--json", "--grace", "0", "--data", str(server.data))
    assert collected.returncode == 0
    assert json.loads(collected.stdout)["removed"] == 0
    told = orlop_run("gc", "--data", str(server.data))
    assert told.stdout.startswith("removed 0 blobs (0 B)")
    verified = orlop_run("verify", "--quick", "--data", str(server.data))
    assert verified.returncode == 0
    assert verified.stdout.endswith("nothing wrong\n")


def test_verify_fails_when_something_is_wrong(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        name = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        assert server.ask("POST", f"/v2/app/blobs/uploads/?digest={name}", b"hello").status == 201
    [file] = [each for each in (server.data / "blobs").rglob("*") if each.is_file()]
    file.chmod(0o600)
    file.write_bytes(b"HELLO")
    for flags, code in ((["--quick"], 0), ([], 1)):
        ended = orlop_run("verify", *flags, "--data", str(server.data))
        assert ended.returncode == code
    assert name in ended.stdout
    findings = json.loads(orlop_run("verify", "--json", "--data", str(server.data)).stdout)["findings"]
    assert [finding["invariant"] for finding in findings] == [1]


def test_output_that_nobody_reads_is_no_traceback() -> None:
    with subprocess.Popen(
        ["sh", "-c", '"$@" | true', "sh", *command("config", "show")], env=environment(), stderr=subprocess.PIPE
    ) as process:
        assert b"Traceback" not in process.communicate(timeout=PATIENCE)[1]


def test_every_command_stands_in_one_group_of_the_overview() -> None:
    named = [name for names in overview.GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    shown = orlop_run("--help").stdout
    listed = {line.split()[0] for line in shown.splitlines() if line.startswith("  ") and not line.startswith("   ")}
    assert listed == set(named)
    assert [line for line in shown.splitlines() if line.endswith(":")] == [f"{each}:" for each in overview.GROUPS]


@pytest.mark.parametrize("arguments", [("--help",), ("usage", "--help")])
def test_a_reader_that_has_seen_enough_is_no_failure_to_be_told_of(arguments: tuple[str, ...]) -> None:
    settings = {"PYTHONUNBUFFERED": ""}  # as in a shell
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment() | settings
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
