"""docker's `config.json` (docker CLI reference, "Configuration files"): keeps a login as `docker login` does.

Where the file names a program for the registry, that is told the login; else it stands in the file itself.
"""

import asyncio
import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orlop.adapters.logins.files import read_object, write_object
from orlop.ports.logins import Login
from orlop.ports.upstream import UpstreamError

_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SECONDS = 60.0


class DockerConfigFile:
    """See ports.logins.DockerConfig. What else stands in the file stays there."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._environment = dict(environment)
        self._path = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"

    async def keep(self, registry: str, login: Login) -> str:
        config = await asyncio.to_thread(read_object, self._path)
        program = _object(config, "credHelpers", self._path).get(registry) or config.get("credsStore")
        if program:
            await self._tell(program, registry, login)
            return f"docker-credential-{program}"
        pair = base64.b64encode(f"{login.username}:{login.secret}".encode()).decode()
        logins = _object(config, "auths", self._path) | {registry: {"auth": pair}}
        await asyncio.to_thread(write_object, self._path, config | {"auths": logins})
        return str(self._path)

    async def _tell(self, program: Any, registry: str, login: Login) -> None:
        if not isinstance(program, str) or not _PROGRAM.fullmatch(program):
            raise UpstreamError(f"{self._path} names a credential program that has no usable name")
        told = {"ServerURL": registry, "Username": login.username, "Secret": login.secret}
        command = f"docker-credential-{program}"
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                "store",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
            )
        except OSError as cause:
            raise UpstreamError(f"{command} cannot be run: {cause.strerror}") from cause
        try:
            said, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(told)), _SECONDS)
        except TimeoutError as cause:
            raise UpstreamError(f"{command} did not answer within {_SECONDS:.0f} seconds") from cause
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            text = "".join(c if c.isprintable() else " " for c in said[:200].decode("utf-8", "replace")).strip()
            raise UpstreamError(f"{command} failed: {text or f'exit code {process.returncode}'}")


def _object(config: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    found = config.get(name) or {}
    if not isinstance(found, dict):
        raise UpstreamError(f"{path} is not docker's file: {name} is no object")
    return found
