"""Typical mistakes of the first hour, as they are typed: each answer names the cause and the next step."""

import base64
import http.server
import io
import json
import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from orlop.__main__ import commands
from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql import migrations
from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.sqlite import APPLICATION_ID
from orlop.faces.cli.app import invoke
from tests.needs import need
from tests.serving import PATIENCE, Server, command, environment, eventually, serving

pytestmark = pytest.mark.slow  # servers, and a process for each mistake

PASSWORD = "a phrase for the tests"
ACCOUNTS = {"ORLOP_ADMIN_PASSWORD": PASSWORD}

#: Types a command as somebody with a home folder: what it printed on standard error, after its exit code was checked.
Typing = Callable[..., str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A registry with accounts, over plain http."""
    folder = tmp_path_factory.mktemp("plain")
    with serving(folder, "--workers", "1", settings=ACCOUNTS, opened=False) as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    made = [need("openssl")["openssl"], "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", "orlop.key", "-out", "orlop.crt"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
    return folder / "orlop.crt", folder / "orlop.key"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[Server]:
    """The same over TLS."""
    files = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    with serving(
        tmp_path_factory.mktemp("secure"), "--workers", "1", *files, settings=ACCOUNTS, opened=False
    ) as server:
        yield server


@pytest.fixture
def typed(tmp_path: Path) -> Typing:
    def type_it(*arguments: str, code: int, given: str = "") -> str:
        own = environment() | {"HOME": str(tmp_path), "NO_PROXY": "localhost", "PYTHONWARNINGS": ""}
        kept = {name: value for name, value in own.items() if not name.startswith(("XDG_", "DOCKER_", "REGISTRY_"))}
        done = subprocess.run(
            command(*arguments), env=kept, cwd=tmp_path, input=given, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stderr

    return type_it


@pytest.fixture
def at(server: Server, typed: Typing) -> str:
    """The plain server, where this test has signed in."""
    address = f"localhost:{server.port}"
    typed("login", address, "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n", code=0)
    return address


@pytest.fixture
def answered(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], str]:
    """What a whole line says on standard error, typed by the administrator of the plain server in this process.

    `HOST` stands for the server.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.chdir(tmp_path)
    root, host = commands(), f"localhost:{server.port}"

    def type_it(line: str, code: int = 0, given: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        ended = invoke(root, shlex.split(line.replace("HOST", host)))
        captured = capsys.readouterr()
        assert ended == code, (line, captured)
        if code:
            assert captured.out == "", "what fails prints nothing that could be taken for an answer"
        return captured.err.replace(host, "HOST")

    type_it("login HOST -u admin --password-stdin", given=f"{PASSWORD}\n")
    return type_it


def test_a_wrong_password(server: Server, typed: Typing) -> None:
    said = typed("login", f"localhost:{server.port}", "-u", "admin", "--password-stdin", given="no\n", code=1)
    assert said == "orlop: the name or the password is wrong\n"


def test_a_wrong_host(typed: Typing, tmp_path: Path) -> None:
    """Something answers there, but no registry of ours."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        address = f"localhost:{other.server_port}"
        said = typed("login", address, "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n", code=1)
        other.shutdown()
    assert said == f"orlop: what answers at {address} is no Orlop server with a management API\n"


def test_http_for_https(secure: Server, typed: Typing) -> None:
    address = f"localhost:{secure.port}"
    hint = "it speaks TLS, and was asked over plain http: use --ca FILE with its authority, or --insecure to take any\n"
    assert typed("ls", address, code=1) == f"orlop: {address}: {hint}"
    said = typed("login", address, "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n", code=1)
    assert said == f"orlop: {address} cannot be used: {hint}"


def test_https_for_http(server: Server, typed: Typing) -> None:
    address = f"localhost:{server.port}"
    said = typed("ls", "--insecure", address, code=1)
    assert said == f"orlop: {address}: TLS failed: it does not speak TLS but perhaps plain http: use --plain-http\n"


def test_a_certificate_of_nobody(secure: Server, typed: Typing, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    address = f"localhost:{secure.port}"
    login = ("-u", "admin", "--password-stdin")
    said = typed("login", f"https://{address}", *login, given=f"{PASSWORD}\n", code=1)
    assert said == (
        f"orlop: {address} cannot be used: TLS failed: no authority that is trusted here has signed its certificate:"
        " name the right one with --ca FILE or SSL_CERT_FILE, or take any certificate with --insecure\n"
    )
    missing = typed("ls", address, "--ca", "missing.crt", code=1)
    assert missing == "orlop: --ca: missing.crt cannot be read: No such file or directory\n"
    trusted = ("--ca", str(certificate[0]))
    typed("login", address, *trusted, *login, given=f"{PASSWORD}\n", code=0)
    assert typed("ls", address, *trusted, code=0) == f"{address} has nothing, or nothing that admin may see\n"
    typed("user", "ls", "--server", address, *trusted, code=0)


def test_no_sign_in(server: Server, typed: Typing) -> None:
    address = f"localhost:{server.port}"
    assert typed("tag", f"{address}/team/app:1", "2", code=1).endswith(f"; run orlop login {address}\n")
    assert typed("user", "ls", code=2) == "orlop: nobody is signed in; run orlop login HOST:PORT\n"
    said = typed("grant", "ls", "--server", address, code=2)
    assert said == f"orlop: nobody is signed in at {address}; run orlop login {address}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--port", "5000"), "unknown option: --port. Did you mean --listen?"),
        (("serve", "--host", "0.0.0.0"), "unknown option: --host. Did you mean --listen?"),
        (("serve", "--data-dir", "x"), "unknown option: --data-dir. Did you mean --data?"),
        (("rm", "--force", "x"), "unknown option: --force. Did you mean --yes?"),
        (("ls", "--tls-verify=false", "x"), "unknown option: --tls-verify. Did you mean --insecure?"),
        (("ls", "--cacert", "x", "y"), "unknown option: --cacert. Did you mean --ca?"),
        (("user", "ls", "--url", "x"), "unknown option: --url. Did you mean --server?"),
        (("login", "--username", "x", "y"), "unknown option: --username. Did you mean --user?"),
        (("login", "--password", "x", "y"), "unknown option: --password. Did you mean --password-stdin?"),
        (("user", "add", "x", "--password", "y"), "unknown option: --password. Did you mean --password-stdin?"),
        (("gc", "--zzz"), "unknown option: --zzz; orlop gc --help lists what there is"),
    ],
)
def test_a_wrong_flag(typed: Typing, arguments: tuple[str, ...], said: str) -> None:
    assert typed(*arguments, code=2) == f"orlop: {said}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("grant", "add", "bob"),
            "orlop grant add needs ROLE, a built-in role (reader, publisher, …) or one of your own;"
            " orlop grant add --help lists what there is",
        ),
        (
            ("token", "rm"),
            "orlop token rm needs ID, the number of the token, as orlop token ls lists it;"
            " orlop token rm --help lists what there is",
        ),
        (
            ("token", "rm", "laptop"),
            "'laptop' is no number for ID, the number of the token, as orlop token ls lists it;"
            " orlop token rm --help lists what there is",
        ),
        (
            ("cp", "oci:here"),
            "orlop cp needs DST, where to, written in the same way; orlop cp --help lists what there is",
        ),
        (("tag", "localhost:1/app"), "name at least one tag to set"),
        (("login", "localhost:1", "--password-stdin"), "say who signs in: --user NAME"),
    ],
)
def test_a_missing_argument(typed: Typing, arguments: tuple[str, ...], said: str) -> None:
    assert typed(*arguments, code=2) == f"orlop: {said}\n"


def test_an_unknown_command(typed: Typing) -> None:
    assert typed("lss", code=2).startswith('orlop: unknown command "lss". Did you mean "ls"?')


def test_an_unknown_role(at: str, typed: Typing) -> None:
    said = typed("grant", "add", "admin", "pusher", "team/", code=1)
    assert said == (
        "orlop: there is no role pusher; the roles are guest, reader, publisher, maintainer, owner, auditor, admin\n"
    )


def test_a_bad_pattern(at: str, typed: Typing) -> None:
    said = typed("grant", "add", "admin", "reader", "team/[a-z]", code=1)
    assert said == "orlop: 'team/[a-z]' is no pattern of repositories: letters, digits, . _ - / and *, **\n"


def test_a_place_without_its_slash(at: str, typed: Typing) -> None:
    said = typed("grant", "add", "admin", "reader", "shop", code=0)
    assert said == "shop is the repository of that name alone; all below the namespace is written shop/\n"


def test_a_word_that_is_none(at: str, typed: Typing) -> None:
    said = typed("namespace", "set", "team", "--visibility", "open", code=1)
    assert said == "orlop: visibility: 'open' is none of public, internal, private\n"
    said = typed("audit", "ls", "--kind", "tag.pushed", code=1)
    assert said.startswith("orlop: there is no kind 'tag.pushed'; the nearest known one is tag.")
    assert "; the kinds are repository.created, blob.pushed, " in said


def test_no_such_repository(at: str, typed: Typing) -> None:
    assert typed("ls", f"{at}/team/ap", code=1) == f"orlop: tags of {at}/team/ap: there is no repository team/ap\n"
    said = typed("repo", "rm", f"{at}/team/ap", "--yes", code=1)
    assert said == "orlop: there is no repository team/ap, or not for you to see\n"
    said = typed("rm", f"{at}/team/app", code=2)
    assert said.endswith("latest is not implied here; a repository as a whole goes by orlop repo rm\n")


def test_a_server_that_does_not_run(typed: Typing) -> None:
    refused = "connection refused; is the server running, and is this its port?"
    said = typed("login", "localhost:1", "-u", "admin", "--password-stdin", given=f"{PASSWORD}\n", code=1)
    assert said == f"orlop: localhost:1 cannot be reached: {refused}\n"
    said = typed("ls", "localhost:1", code=1)
    assert said == f"orlop: localhost:1 cannot be reached: {refused}\n"


def test_a_port_that_is_taken(server: Server, typed: Typing) -> None:
    said = typed("serve", "--listen", f"127.0.0.1:{server.port}", code=1)
    assert said == (
        f"orlop: 127.0.0.1:{server.port} is taken by another program; choose another address with --listen HOST:PORT\n"
    )


def test_a_configuration_that_cannot_be_read(typed: Typing, tmp_path: Path) -> None:
    said = typed("serve", "--config", "orlop.tml", code=2)
    assert said == "orlop: the configuration file orlop.tml cannot be read: No such file or directory\n"
    (tmp_path / "orlop.toml").write_text("lisen = '127.0.0.1:1'\n")
    said = typed("serve", "--config", "orlop.toml", code=2)
    assert said == "orlop: orlop.toml has an unknown key lisen; the nearest known one is listen\n"
    (tmp_path / "orlop.toml").write_text("data = [\n")
    assert typed("serve", "--config", "orlop.toml", code=2).startswith(
        "orlop: the configuration file orlop.toml is not valid TOML: "
    )


def test_a_data_folder_of_another_release(typed: Typing, tmp_path: Path) -> None:
    (tmp_path / "newer").mkdir()
    marker = {"format": 99, "store": "x", "kind": "orlop-data"}
    (tmp_path / "newer" / "orlop.json").write_text(json.dumps(marker))
    said = typed("serve", "--data", "newer", "--listen", "127.0.0.1:0", code=1)
    assert said.startswith(f"orlop: the data folder {tmp_path}/newer has format 99, and this program knows ")
    assert said.endswith("; use a newer program\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    said = typed("serve", "--data", "other", "--listen", "127.0.0.1:0", code=1)
    assert said == (
        f"orlop: the folder {tmp_path}/other is not empty and not a data folder of Orlop (it holds 'notes.txt');"
        " name an empty one with --data\n"
    )


@pytest.mark.parametrize("looking", [["verify"], ["gc"], ["gc", "--dry-run"], ["scrub", "status"], ["store", "check"]])
def test_a_catalog_of_an_older_release(typed: Typing, tmp_path: Path, looking: list[str]) -> None:
    """It is brought up to date by a server or on request, and worked on by nothing before that."""
    folder = open_data_folder(tmp_path / "before")
    first, *later = migrations.known("sqlite")
    old = apsw.Connection(str(Path(folder.catalog) / DATABASE))
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA journal_mode = WAL").fetchall()
    old.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)")
    old.execute(first.sql + "; INSERT INTO migrations VALUES (1, 'initial', 0)").fetchall()
    old.close()
    assert typed(*looking, "--data", "before", code=1) == (
        f"orlop: sqlite:{tmp_path}/before was written by an older release, and waits for {len(later)} migrations; look"
        " at them with `orlop migrate plan`, and take them with `orlop migrate run`, with the same --data or --config;"
        " of a backup take them in a copy\n"
    )
    typed("migrate", "run", "--data", "before", code=0)
    typed("verify", "--data", "before", code=0)


def test_two_servers_on_one_folder(server: Server, typed: Typing) -> None:
    said = typed("serve", "--data", str(server.data), "--listen", "127.0.0.1:0", code=1)
    assert said == (
        f"orlop: the data folder {server.data} is in use by another server (process {server.process.pid}): stop that"
        " one first, or name another folder with --data; more processes on one folder are set by workers, more machines"
        " are in docs/scaling.md\n"
    )


def test_a_mistyped_path(typed: Typing, tmp_path: Path) -> None:
    """A command that looks finds nothing there; a server begins a new registry, and says so."""
    said = typed("verify", "--data", "orlop-dta", code=1)
    assert said == f"orlop: there is no data folder at {tmp_path}/orlop-dta\n"
    errors = tmp_path / "errors"
    with errors.open("wb") as log:
        own = environment({"ORLOP_LOG_FORMAT": "console", "ORLOP_LOG_ACCESS": "false", **ACCOUNTS})
        for _ in range(2):
            process = subprocess.Popen(
                command("serve", "--data", "orlop-dta", "--listen", "127.0.0.1:0", "--workers", "1"),
                cwd=tmp_path,
                env=own,
                stderr=log,
                stdout=subprocess.DEVNULL,
            )
            try:
                before = os.stat(errors).st_size
                eventually("it serves", lambda size=before: "docker login" in errors.read_text()[size:])
            finally:
                process.terminate()
                assert process.wait(PATIENCE) == 0
    assert errors.read_text().count("This registry is new: there was none in that folder before\n") == 1


def test_an_open_registry_for_others(typed: Typing, tmp_path: Path) -> None:
    said = typed("serve", "--open", "--listen", "0.0.0.0:0", code=2)
    assert said == (
        "orlop: open lets anyone push and pull, so it is refused on 0.0.0.0:0, which other machines may reach; listen"
        " on 127.0.0.1\n"
    )
    with serving(tmp_path) as server:
        answer = server.ask("POST", "/v2/app/blobs/uploads/", x_forwarded_for="203.0.113.7")
    assert answer.status == 403
    assert json.loads(answer.body)["errors"][0]["message"] == (
        "this registry is open, so it answers nobody but its own machine, and this request came through a proxy, as its"
        " header x-forwarded-for says; start it without --open (open = false), and let others sign in"
    )


NONE = f"sha256:{'0' * 64}"

#: Lines of the commands that look after content, jobs and webhooks, and what each says.
_LATER = (
    (
        "webhook set deploys --at team/",
        2,
        "say what it is to be: with --file, or by flags",
    ),
    (
        "webhook set deploys --at team/ --url hooks.example/x --event 'tag.*'",
        1,
        "the webhook deploys is not valid: url: write where events are posted to, such as https://hooks.example.org/x",
    ),
    (
        "webhook set deploys --at team/ --url https://hooks.example/x --event tag.pushed",
        1,
        "the webhook deploys is not valid: events: 'tag.pushed' is no kind of event, nor a pattern of any;"
        " the nearest known one is tag.set",
    ),
    (
        "webhook set deploys --at team/ --url https://hooks.example/x --event 'tag.*' --format json",
        2,
        'invalid value "json" for --format. Choose from: "cloudevents", "cloudevents-binary", "distribution",'
        ' "harbor", "slack".',
    ),
    (
        "webhook set deploys --at team/ --url https://hooks.example/x --event 'tag.*' --secret-file hook.key",
        2,
        "hook.key cannot be read: No such file or directory",
    ),
    ("webhook set deploys --at team/ -f hook.yaml", 2, "hook.yaml cannot be read: No such file or directory"),
    (
        "webhook test deploys",
        1,
        "there is no webhook deploys of /; orlop webhook ls lists those there are, and their places, for --at",
    ),
    (
        "webhook deliveries deploys --at team/",
        1,
        "there is no webhook deploys of team/; orlop webhook ls lists those there are, and their places, for --at",
    ),
    ("webhook deliveries 99", 1, "there is no delivery 99, or not any more"),
    (
        "webhook redeliver deploys",
        2,
        "'deploys' is no number for IDS, their numbers, as orlop webhook deliveries lists them;"
        " orlop webhook redeliver --help lists what there is",
    ),
    (
        "followers skip nobody --position 3",
        1,
        "there is no follower nobody; there are audit, webhooks, images, scans, statements, quarantine, promotions",
    ),
    (
        "jobs run gc",
        1,
        "there is no job 'gc'; the nearest known one is collection, and orlop jobs schedule ls lists all",
    ),
    ("webhook redeliver", 2, "name at least one delivery by its number, as orlop webhook deliveries lists them"),
    (
        "jobs run",
        2,
        "orlop jobs run needs KIND, the kind, as orlop jobs schedule ls lists them;"
        " orlop jobs run --help lists what there is",
    ),
    ("jobs show 999", 1, "there is no job 999; orlop jobs ls lists those there are"),
    ("jobs ls --state finished", 1, "state: 'finished' is none of waiting, running, done, failed, cancelled"),
    (
        "jobs schedule set collection",
        1,
        "the job-schedule collection is not valid: say when it runs: either by cron or by every",
    ),
    (
        "jobs schedule set collection --cron '0 3 * *'",
        1,
        "the job-schedule collection is not valid: cron has five fields: minute, hour, day of month, month, day of"
        " week",
    ),
    (
        "jobs schedule set collection --cron '0 3 * * *' --time-zone Berlin",
        1,
        "the job-schedule collection is not valid: time_zone: there is none named 'Berlin'; write one such as"
        " Europe/Berlin",
    ),
    (
        "jobs schedule set collection --every soon",
        2,
        "--every: 'soon' is not a duration such as 90s, 15m, 24h or 7d",
    ),
    (
        "lock add HOST/team/app:1 --reason audit",
        2,
        "a lock is on a digest of a registry: HOST:PORT/NAME@DIGEST; orlop digest tells that of a tag",
    ),
    (
        f"lock add HOST/team/app@{NONE}",
        2,
        "orlop lock add needs --reason, why: whoever is refused reads it; orlop lock add --help lists what there is",
    ),
    (f"lock add HOST/team/app@{NONE} --reason audit", 1, f"team/app holds no manifest {NONE}"),
    (f"lock rm HOST/team/app@{NONE} --reason audit", 1, f"there is no lock on {NONE} in team/app"),
    ("lock ls HOST/team/nothing", 1, "there is no repository team/nothing"),
    ("lock ls HOST", 2, "name a repository, without tag and digest"),
    (
        f"history HOST/team/app@{NONE}",
        2,
        "this is for a tag or a repository of a registry: HOST:PORT/NAME:TAG or HOST:PORT/NAME",
    ),
    (
        "history registry.example/team/app:1",
        2,
        "nobody is signed in at registry.example; run orlop login registry.example",
    ),
    (
        "rollback HOST/team/app:1",
        2,
        "orlop rollback needs --to, the digest, as orlop history lists it; orlop rollback --help lists what there is",
    ),
    (
        "rollback HOST/team/app:1 --to 9f2c",
        2,
        "'9f2c': a digest is written <algorithm>:<hex>, for example sha256: and 64 lower-case hex digits",
    ),
    (f"rollback HOST/team/app --to {NONE}", 2, "write out the tag to roll back, latest is not implied here"),
    (
        f"rollback HOST/team/app:1 --to {NONE}",
        1,
        f"the tag 1 cannot point at {NONE}: team/app does not hold that manifest any more, or never did;"
        " push it again, or choose one that is held",
    ),
    (
        "inspect HOST/team/app:1 --at yesterday",
        2,
        "'yesterday' is not a time such as 2026-11-25T17:00:00Z, nor how long ago, as 2h",
    ),
    (
        "rules show HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "rules show team/app:1",
        2,
        "'team/app:1' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "grant add admin reader HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "access explain admin pull HOST/team/app:1",
        2,
        "'HOST/team/app:1' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "tag-rule ls --at HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "trash restore HOST/team/app:9",
        1,
        "the trash holds nothing of a tag 9 of team/app; orlop trash ls lists what it holds",
    ),
    ("trash rm 99 --yes", 1, "there is no entry 99 in the trash, or not for you to see"),
    (
        "trash rm team/app",
        2,
        "'team/app' is no number for NUMBER, as orlop trash ls lists it; orlop trash rm --help lists what there is",
    ),
    (
        "trash ls HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "trash-rule set builds --at team/ --keep soon",
        1,
        "the trash-rule builds is not valid: 'soon' is no time to keep: write 12h, 7d, 4w, or 0 for not at all",
    ),
    (
        "label set HOST/team/app Stage=prod",
        1,
        "'Stage' is no key of a label: it is 1 to 63 lower-case letters, digits and . _ - with none of"
        " these at an end, and before it perhaps a DNS name of up to 253 characters and a slash",
    ),
    (
        "usage HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "retention preview HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "retention plans --place HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    (
        "in-use rm prod --at HOST/team/",
        2,
        "'HOST/team/' is no place: write team/ or team/app, without a registry, which --server names, or a tag",
    ),
    ("trash restore team/app:1.0", 2, "no registry is named, which means docker.io: write HOST/ in front of the name"),
    (
        "lock ls team/app",
        2,
        "using docker.io/team/app (registry implied)\n"
        "orlop: no registry is named, which means docker.io: write HOST/ in front of the name",
    ),
    (
        "history team/app",
        2,
        "using docker.io/team/app (registry implied)\n"
        "orlop: no registry is named, which means docker.io: write HOST/ in front of the name",
    ),
    ("label ls team/app:1.0", 2, "no registry is named, which means docker.io: write HOST/ in front of the name"),
    (
        "repo rm team/app --yes",
        2,
        "using docker.io/team/app (registry implied)\n"
        "orlop: no registry is named, which means docker.io: write HOST/ in front of the name",
    ),
    ("label set HOST/team/app", 2, "name at least one label to set, as KEY=VALUE"),
    ("label rm HOST/team/app", 2, "name at least one key of a label to remove"),
    ("label ls HOST/team/nothing", 1, "there is no repository team/nothing"),
    ("tag-rule set releases --at team/", 2, "say what it is to be: with --file, or by flags"),
    (
        "tag-rule set releases --at team/ --tags 'v*'",
        1,
        "the tag-rule releases is not valid: the rule would say nothing of its tags: set immutable, who may, or how"
        " they are named",
    ),
    (
        "tag-rule set releases --at team/ --tags 'v[0-9]' --immutable",
        1,
        "the tag-rule releases is not valid: 'v[0-9]' is no pattern of tags: letters, digits, . _ - and the wildcard *",
    ),
    (
        "tag-rule set releases --at team/ --tags 'v*' --imutable",
        2,
        "unknown option: --imutable. Did you mean --immutable?",
    ),
    (
        "tag-rule rm releases",
        1,
        "there is no tag-rule releases of /; orlop tag-rule ls lists those there are, and their places, for --at",
    ),
    (
        "repository-rule set layout --at team/ --depth deep",
        2,
        "'deep' is no number for --depth, the name has so many components at most;"
        " orlop repository-rule set --help lists what there is",
    ),
)


def test_later_commands_answer_alike(server: Server, answered: Callable[..., str]) -> None:
    """All that is wrong with a line is told at once, by one server: most of the time would go into starting others."""
    signed_in = {"authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}
    assert server.ask("POST", "/v2/team/app/blobs/uploads/", **signed_in).status == 202
    digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert server.ask("POST", f"/v2/team/app/blobs/uploads/?digest={digest}", b"hello", **signed_in).status == 201
    told = {line: answered(line, code) for line, code, _ in _LATER}
    assert told == {line: f"{'' if said.startswith('using ') else 'orlop: '}{said}\n" for line, _, said in _LATER}


def test_another_password_first(server: Server, answered: Callable[..., str]) -> None:
    """Where to choose it is an address, and the command that asks for it."""
    answered("user add ann --password-stdin", given="a phrase of anns own\n")
    said = answered("login HOST -u ann --password-stdin", 2, given="a phrase of anns own\n")
    assert said == (
        "orlop: ann has to choose another password first: in a browser at http://HOST/login, or with orlop login"
        " without --password-stdin, which asks for it\n"
    )
