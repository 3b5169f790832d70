"""How `orlop serve` begins, what it refuses to begin with, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.needs import lack, need
from tests.serving import PATIENCE, Server, command, environment, eventually, serving, unhurried

#: Each of these starts a server, or a process that refuses to be one.
pytestmark = pytest.mark.slow


def refused(
    *arguments: str, settings: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("serve", *arguments),
        env=environment(settings),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A certificate, its key, and a key that belongs to another."""
    openssl = need("openssl")["openssl"]
    for name in ("one", "other"):
        subprocess.run(
            [
                openssl,
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-keyout",
                f"{name}.key",
                "-out",
                f"{name}.crt",
            ],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
    return tmp_path / "one.crt", tmp_path / "one.key", tmp_path / "other.key"


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = refused("--listen", f"127.0.0.1:{port}", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"orlop: 127.0.0.1:{port} is taken by another program; choose another address with --listen HOST:PORT\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_shared_by_the_workers_of_another_server_is_taken_too(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        ended = refused("--listen", f"127.0.0.1:{server.port}", "--data", str(tmp_path / "second"))
        assert ended.returncode == 1
        assert "is taken by another program" in ended.stderr


def test_a_data_folder_has_one_server(tmp_path: Path) -> None:
    """With any number of workers, and with commands that look and collect beside it; what was killed leaves no lock."""
    with serving(tmp_path, "--workers", "2") as server:
        ended = refused("--listen", "127.0.0.1:0", "--data", str(server.data))
        assert ended.returncode == 1
        assert ended.stderr.startswith(
            f"orlop: the data folder {server.data} is in use by another server (process {server.process.pid}):"
        )
        assert ended.stderr.count("\n") == 1
        for beside in ("gc", "verify"):
            subprocess.run(
                command(beside, "--data", str(server.data)), env=environment(), check=True, capture_output=True
            )
        workers = server.workers()
        os.kill(workers[0], signal.SIGSTOP)  # so that the lock outlives the supervisor for a while
        server.process.kill()
        server.process.wait(PATIENCE)
        continued = threading.Timer(1, os.kill, (workers[0], signal.SIGCONT))
        continued.start()
        with serving(tmp_path) as again:
            assert again.ask("GET", "/v2/").status == 200
        continued.join()


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "message"),
    [
        (["--open", "--listen", "0.0.0.0:5000"], {}, 2, "refused on 0.0.0.0:5000"),
        (["--open"], {"ORLOP_TRUSTED_PROXIES": "127.0.0.1/32"}, 2, "refused behind a proxy"),
        (["--listen", "nonsense"], {}, 2, "'nonsense' is not an address"),
        (["--listen", "no.such.host.invalid:5000"], {}, 1, "no.such.host.invalid is not an address of this machine"),
        (["--listen", "192.0.2.1:5000"], {}, 1, "cannot listen on 192.0.2.1:5000"),
        (["--workers", "none"], {}, 2, "--workers: 'none' is not a number"),
        (["--wat"], {}, 2, "--wat"),
        (["--config", "missing.toml"], {}, 2, "missing.toml cannot be read"),
        ([], {"ORLOP_LISTNE": "x"}, 2, "unknown variable ORLOP_LISTNE; the nearest known one is ORLOP_LISTEN"),
        (
            ["--tls-cert", "missing.crt", "--tls-key", "missing.key"],
            {},
            2,
            "the TLS certificate missing.crt cannot be read",
        ),
        (["--tls-cert", "missing.crt"], {}, 2, "tls.cert needs tls.key"),
        (["--data", "/proc/nowhere", "--listen", "127.0.0.1:0"], {}, 1, "/proc/nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], code: int, message: str
) -> None:
    ended = refused(*arguments, settings=settings, folder=tmp_path)
    assert ended.returncode == code
    assert message in ended.stderr
    assert ended.stderr.startswith("orlop: ")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_tls_files_must_belong_together(tmp_path: Path, certificates: tuple[Path, Path, Path]) -> None:
    certificate, key, other_key = certificates
    for files, message in (
        ((certificate, other_key), "does not belong to the certificate"),
        ((key, key), "is not PEM that can be used"),
    ):
        ended = refused("--tls-cert", str(files[0]), "--tls-key", str(files[1]), "--data", str(tmp_path / "data"))
        assert ended.returncode == 2
        assert message in ended.stderr
        assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_key_with_a_password_is_refused_without_asking_for_it(
    tmp_path: Path, certificates: tuple[Path, Path, Path]
) -> None:
    openssl = need("openssl")["openssl"]
    locked = tmp_path / "locked.key"
    subprocess.run(
        [openssl, "pkcs8", "-topk8", "-in", certificates[1], "-out", locked, "-passout", "pass:secret"],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    ended = refused("--tls-cert", str(certificates[0]), "--tls-key", str(locked), folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        (True, "docker push localhost:{port}/app"),
        (False, "docker login localhost:{port} -u admin"),
    ],
)
def test_people_are_told_what_to_do_next(tmp_path: Path, opened: bool, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["--listen", f"127.0.0.1:{port}", "--data", str(tmp_path / "data"), *(["--open"] if opened else [])]
    with (tmp_path / "errors").open("wb") as errors, (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            command("serve", *arguments),
            env=environment({"ORLOP_LOG_FORMAT": "console"}),
            stdout=output,
            stderr=errors,
        )
    try:
        wanted = said.format(port=port)
        eventually(f"it says {wanted!r}", lambda: wanted in (tmp_path / "errors").read_text())
        told = (tmp_path / "errors").read_text()
        assert f"serves http://127.0.0.1:{port} from {tmp_path / 'data'}" in told
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_stop_leaves_nothing_running_and_ends_well(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        workers = server.workers()
        assert workers
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - started < unhurried(20), "a signal right after the start was lost"
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert server.events()[-1]["event"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as server:
        for pid in (*server.workers(), server.process.pid):
            os.kill(pid, number)
        assert server.process.wait(PATIENCE) == 0
    assert "error" not in {event["level"] for event in server.events()}


def test_workers_end_when_their_supervisor_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        workers = server.workers()
        server.process.kill()
        server.process.wait(PATIENCE)
        eventually("the workers end", lambda: not [pid for pid in workers if _runs(pid)])
    with serving(tmp_path) as again:
        assert again.ask("GET", "/readyz").status == 200


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy")
def test_the_threads_of_a_worker_let_each_other_finish_while_it_is_busy(tmp_path: Path) -> None:
    """Always, and a worker that is not busy would wait for every program that is; never, and each request costs three
    switches in place of one."""
    with serving(tmp_path, "--workers", "1") as server:
        assert server.ask("GET", "/v2/").status == 200
        eventually("it has nothing to do", lambda: policies(server) == {os.SCHED_OTHER})
        ended = threading.Event()
        clients = [threading.Thread(target=press, args=(server, ended)) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            if not becomes_busy(server):
                lack("other programs keep the processors: the worker never had half of one")
        finally:
            ended.set()
            for client in clients:
                client.join(PATIENCE)
        eventually("it is through", lambda: policies(server) == {os.SCHED_OTHER})


def becomes_busy(server: Server) -> bool:
    """Wait for the other policy; False where the worker never got what makes it busy, in a second as a whole."""
    end, used = time.monotonic() + PATIENCE, processor_time(server)
    since = time.monotonic()
    while policies(server) != {os.SCHED_BATCH}:
        if time.monotonic() > end:
            return False
        if time.monotonic() - since > 3:
            share = (processor_time(server) - used) / (time.monotonic() - since)
            assert share < 0.9, "it is busy, and its threads do not let each other finish"
            used, since = processor_time(server), time.monotonic()
        time.sleep(0.05)
    return True


def processor_time(server: Server) -> float:
    """What its worker has used, in seconds."""
    [worker] = server.workers()
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def policies(server: Server) -> set[int]:
    """What the threads of the workers run under."""
    [worker] = server.workers()
    threads = [int(task.name) for task in Path(f"/proc/{worker}/task").iterdir()]
    assert len(threads) > 1, "the log and the catalog are written by threads of their own"
    return {os.sched_getscheduler(thread) for thread in threads}


def press(server: Server, ended: threading.Event) -> None:
    """Ask without waiting for answers, which costs the client next to nothing."""
    many = b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        while not ended.is_set():
            connection.sendall(many)
            answers = b""
            while answers.count(b"HTTP/1.1 200") < 100:
                part = connection.recv(1 << 20)
                assert part, "the server hung up"
                answers += part


def test_workers_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for database in server.data.rglob("*.db*"):
            database.unlink()
        for database in server.data.rglob("*.sqlite*"):
            database.unlink()
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        assert server.process.wait(PATIENCE) == 1
    assert "the worker cannot start; the server ends" in {event["event"] for event in server.events()}


def test_every_request_is_logged_and_all_workers_are_counted(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        for _ in range(40):
            assert server.ask("GET", "/v2/nothing/tags/list", user_agent="tester/1").status == 404

        def counted() -> bool:
            page = server.ask("GET", "/metrics").body.decode().splitlines()
            totals = [line for line in page if line.startswith("orlop_requests_total{") and 'status="404"' in line]
            return sum(float(line.rpartition(" ")[2]) for line in totals) == 40 and "orlop_workers 2.0" in page

        eventually("40 requests and 2 workers are counted", counted)
    lines = [json.loads(line) for line in server.output.read_text().splitlines()]
    logged = [line for line in lines if line["path"] == "/v2/nothing/tags/list"]
    assert len(logged) == 40
    assert len({line["request_id"] for line in logged}) == 40
    assert {(line["status"], line["method"], line["user_agent"], line["error"]) for line in logged} == {
        (404, "GET", "tester/1", "NAME_UNKNOWN")
    }


def test_the_access_log_can_be_off(tmp_path: Path) -> None:
    with serving(tmp_path, settings={"ORLOP_LOG_ACCESS": "false"}) as server:
        assert server.ask("GET", "/v2/").status == 200
        time.sleep(0.3)
    assert server.output.read_bytes() == b""


def test_nobody_may_do_anything_without_open(tmp_path: Path) -> None:
    with serving(tmp_path, opened=False) as server:
        assert server.ask("GET", "/v2/").status == 401
        assert server.ask("POST", "/v2/app/blobs/uploads/").status == 401
        assert server.ask("GET", "/readyz").status == 200


def test_the_folders_of_metrics_are_gone_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    with serving(tmp_path, settings={"TMPDIR": str(tmp_path / "temporary")}):
        assert [each.name.startswith("orlop-metrics-") for each in (tmp_path / "temporary").iterdir()] == [True]
    assert list((tmp_path / "temporary").iterdir()) == []


def _runs(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
