"""Credentials as docker and podman keep them: which file, which key, which program. Their use is not here."""

import asyncio
import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from orlop.domain.errors import NameInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.references import DEFAULT_REGISTRY, parse_registry
from orlop.ports.upstream import UpstreamError

#: Under this name docker keeps the credentials of docker.io.
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"

#: User name under which programs hand out an identity token instead of a password.
_TOKEN_USER = "<token>"  # noqa: S105 - a name, not a secret

_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FILE_LIMIT = 4 * 1024 * 1024
_ANSWER_LIMIT = 64 * 1024
_PROGRAM_TIMEOUT = 60.0


class Credentials(msgspec.Struct, frozen=True):
    """A user name and password, or an identity token to trade for access tokens. Never shown when printed."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    kept_by: str = ""
    """What keeps them, for people."""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, …)"


class CredentialSource(Protocol):
    """Knows what to sign in with."""

    async def find(self, registry: str, repository: RepositoryName | None = None) -> Credentials | None:
        """For a registry (`host[:port]`), or for a repository of it. Raises UpstreamError."""
        ...


class OneCredential:
    """The same for every registry: for who talks to one."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def find(self, registry: str, repository: RepositoryName | None = None) -> Credentials | None:
        """See CredentialSource."""
        return self._credentials


class _Entry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _File(msgspec.Struct, rename="camel"):
    auths: dict[str, Any] = {}
    creds_store: str = ""
    cred_helpers: dict[str, str] = {}


class _ProgramAnswer(msgspec.Struct, rename="pascal"):
    username: str
    secret: str


class CredentialFiles:
    """The credential files of docker and podman, read when asked; the first that knows a registry wins."""

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._environment = dict(environment)
        self._paths = list(credential_paths(environment, home))

    async def find(self, registry: str, repository: RepositoryName | None = None) -> Credentials | None:
        """What is kept for a registry (`host[:port]`), or in podman's way for a path within it, longest first.

        Raises UpstreamError when a file cannot be read or a credential program fails.
        """
        for path in self._paths:
            file = await asyncio.to_thread(_read, path)
            found = await self._find_in(file, registry, repository) if file else None
            if found is not None:
                return msgspec.structs.replace(found, kept_by=found.kept_by or str(path))
        return None

    async def _find_in(self, file: _File, registry: str, repository: RepositoryName | None) -> Credentials | None:
        auths = {_normalised(key): value for key, value in reversed(file.auths.items())}
        helpers = {_normalised(key): value for key, value in file.cred_helpers.items()}
        for name in _candidates(registry, repository):
            program = helpers.get(name) or (file.creds_store if name == registry else "")
            if program and (found := await self._ask(program, name)):
                return found
            if name in auths and (found := _decoded(auths[name], name)):
                return found
        return None

    async def _ask(self, program: str, name: str) -> Credentials | None:
        """Ask `docker-credential-<program> get`, which reads the server's name from its standard input."""
        if not _PROGRAM.fullmatch(program):
            raise UpstreamError(f"the credential program {program[:64]!r} has an invalid name")
        command = f"docker-credential-{program}"
        key = _DOCKER_HUB_KEY if name == DEFAULT_REGISTRY else name
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                "get",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
            )
        except OSError as cause:
            raise UpstreamError(f"{command} cannot be run: {cause.strerror}") from cause
        try:
            output, _ = await asyncio.wait_for(process.communicate(key.encode()), _PROGRAM_TIMEOUT)
        except TimeoutError as cause:
            raise UpstreamError(f"{command} did not answer within {_PROGRAM_TIMEOUT:.0f} seconds") from cause
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            if b"credentials not found" in output:
                return None
            said = "".join(c if c.isprintable() else " " for c in output[:200].decode("utf-8", "replace")).strip()
            raise UpstreamError(f"{command} failed: {said or f'exit code {process.returncode}'}")
        try:
            answer = msgspec.json.decode(output[:_ANSWER_LIMIT], type=_ProgramAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise UpstreamError(f"{command} did not answer with a user name and a secret") from cause
        if answer.username == _TOKEN_USER:
            return Credentials(identity_token=answer.secret, kept_by=command)
        return Credentials(answer.username, answer.secret, kept_by=command) if answer.secret else None


def credential_paths(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Where to look: REGISTRY_AUTH_FILE alone if set (containers-auth.json(5)), else docker's file, then podman's."""
    if named := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
        return
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _read(path: Path) -> _File | None:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT)
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise UpstreamError(f"{path} cannot be read: {cause.strerror}") from cause
    if not content.strip():
        return None
    try:
        return msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UpstreamError(f"{path} is not a credentials file: {cause}") from cause


def _normalised(key: str) -> str:
    """`host[:port][/path]`: without scheme, and without the path of the old kind of address (`https://host/v1/`)."""
    _, colons, rest = key.rpartition("://")
    host, _, path = rest.partition("/")
    try:
        host = parse_registry(host)
    except NameInvalid:
        return key
    old = bool(colons) or path.rstrip("/") in ("v1", "v2", "")
    return host if old else f"{host}/{path}"


def _candidates(registry: str, repository: RepositoryName | None) -> Iterator[str]:
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        yield f"{registry}/{'/'.join(parts[:length])}"
    yield registry


def _decoded(value: Any, name: str) -> Credentials | None:
    try:
        entry = msgspec.convert(value, _Entry)
        pair = base64.b64decode(entry.auth, validate=True).decode().rstrip("\0")
        username, colon, password = pair.partition(":")
        if entry.identitytoken:  # docker leaves the name beside it, without a password
            return Credentials(username or entry.username, identity_token=entry.identitytoken)
        if entry.auth:
            if not colon:
                raise UpstreamError(f"the credentials kept for {name} have no password")
            return Credentials(username, password)
    except (msgspec.ValidationError, binascii.Error, ValueError) as cause:
        raise UpstreamError(f"the credentials kept for {name} cannot be read") from cause
    return Credentials(entry.username, entry.password) if entry.username and entry.password else None
