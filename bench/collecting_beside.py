"""Collection beside distribution's `registry garbage-collect`: `python -m bench.collecting_beside [IMAGES]`.

Both hold the same images, half of which are deleted. Distribution has to be stopped, or set to refuse pushes, while
it marks everything; Orlop's runs beside a push every few milliseconds. What it prints stands in docs/performance.md.
"""

import hashlib
import http.client
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from bench.servers.process import free_port
from bench.servers.programs import found

_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYERS = 3


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """Its status and its Location."""
        self._connection.request(method, target, body, {name.replace("_", "-"): it for name, it in headers.items()})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("location", "")

    def blob(self, repository: str, content: bytes) -> str:
        """Push a blob in two requests, as both servers take it."""
        name = digest(content)
        _, location = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        target = location[location.index("/v2/") :]
        target += f"{'&' if '?' in target else '?'}digest={name}"
        status, _ = self.ask("PUT", target, content, content_type="application/octet-stream")
        assert status == 201, status
        return name


def digest(content: bytes) -> str:
    """By sha256."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fill(port: int, images: int) -> None:
    """Push images of three layers each, ten to a repository; then delete every other one."""
    client, manifests = Client(port), []
    for number in range(images):
        repository = f"team/app{number // 10}"
        config = json.dumps({"number": number}).encode()
        layers = [os.urandom(2_000) for _ in range(LAYERS)]
        named = [(client.blob(repository, content), len(content)) for content in (config, *layers)]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {"mediaType": _CONFIG, "digest": named[0][0], "size": named[0][1]},
                "layers": [{"mediaType": _LAYER, "digest": name, "size": size} for name, size in named[1:]],
            }
        ).encode()
        status, _ = client.ask("PUT", f"/v2/{repository}/manifests/v{number}", manifest, content_type=_MANIFEST)
        assert status == 201, status
        manifests.append((repository, digest(manifest)))
    for repository, name in manifests[::2]:
        status, _ = client.ask("DELETE", f"/v2/{repository}/manifests/{name}")
        assert status == 202, status


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> tuple[float, int]:
    """Seconds and MiB of a command."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def waited(port: int) -> None:
    """Until it answers."""
    for _ in range(600):
        try:
            if Client(port).ask("GET", "/v2/")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def ended(process: "subprocess.Popen[bytes]") -> None:
    """Stop it."""
    process.terminate()
    process.wait()


def distribution(place: Path, images: int) -> str:
    """Its figures."""
    program, port = found("registry"), free_port()
    if program is None:
        return "distribution: not on this machine"
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(place / "registry")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "bench"},
        "log": {"level": "error"},
    }
    (place / "registry.json").write_text(json.dumps(settings))
    command = [program, "serve", str(place / "registry.json")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        waited(port)
        fill(port, images)
    finally:
        ended(server)
    seconds, memory = run([program, "garbage-collect", str(place / "registry.json")])
    return f"distribution: {seconds:.1f} s, {memory} MiB, stopped meanwhile: every request is refused"


def ours(place: Path, images: int) -> str:
    """Orlop's figures."""
    port, data = free_port(), str(place / "orlop")
    orlop = [sys.executable, "-m", "orlop"]
    environment = os.environ | {"ORLOP_GC_INTERVAL": "0s", "ORLOP_GC_PACE": "0", "ORLOP_LOG_ACCESS": "false"}
    command = [*orlop, "serve", "--open", "--data", data, "--listen", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done, counts = threading.Event(), {"sent": 0, "refused": 0}

    def push() -> None:
        client = Client(port)
        while not done.is_set():
            counts["sent"] += 1
            try:
                client.blob("team/beside", os.urandom(200))
            except AssertionError:
                counts["refused"] += 1

    try:
        waited(port)
        fill(port, images)
        pushing = threading.Thread(target=push)
        pushing.start()
        try:
            seconds, memory = run([*orlop, "gc", "--data", data, "--grace", "0s"], environment)
        finally:
            done.set()
            pushing.join()
    finally:
        ended(server)
    return f"Orlop: {seconds:.1f} s, {memory} MiB, {counts['sent']} pushes meanwhile, {counts['refused']} refused"


def main() -> None:
    """Measure once. The heavier one goes last: memory is that of the largest child so far."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    place = Path(tempfile.mkdtemp(prefix="orlop-collecting-"))
    try:
        print(f"{images} images of {LAYERS} layers, every other one deleted")
        print(distribution(place, images))
        print(ours(place, images))
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
