"""`docker-credential-orlop`: a credential helper, so that nothing has to be signed in to beforehand.

The protocol is that of docker-credential-helpers (README, "Development"): one word says what to do, the rest comes on
standard input, and errors go to standard output, where clients look for some of them word for word.
"""

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from orlop import __version__
from orlop.domain.errors import RegistryError
from orlop.domain.references import DEFAULT_REGISTRY
from orlop.faces.cli.sign_in.ambient import USER, LoginTools, registry_of
from orlop.ports.ambient import AmbientSearch
from orlop.ports.logins import Login

#: What clients take for "nobody is signed in", and go on without a login.
NOT_FOUND = "credentials not found in native keychain"
NO_SERVER = "no credentials server URL"
NO_USER = "no credentials username"

_SENT_MAX = 256 * 1024


class _Credentials(msgspec.Struct, rename={"server_url": "ServerURL", "username": "Username", "secret": "Secret"}):
    server_url: str = ""
    username: str = ""
    secret: str = ""


class HelperRefused(Exception):
    """What to print before failing."""


def main(arguments: Sequence[str], tools: LoginTools) -> int:
    """Do what the one argument says; the exit code."""
    if len(arguments) != 1 or arguments[0] not in {"get", "store", "erase", "list", "version"}:
        sys.stderr.write("usage: docker-credential-orlop get|store|erase|list|version\n")
        return 1
    action = arguments[0]
    sent = b"" if action in {"list", "version"} else sys.stdin.buffer.read(_SENT_MAX)
    try:
        said = asyncio.run(answer(action, sent, tools))
    except HelperRefused as refused:
        said, code = str(refused), 1
    except RegistryError as error:
        said, code = error.message, 1
    else:
        code = 0
    if said:
        sys.stdout.write(f"{said}\n")
    return code


async def answer(action: str, sent: bytes, tools: LoginTools) -> str:
    """What to print. Raises HelperRefused and RegistryError."""
    match action:
        case "get":
            return await _get(_address(sent), tools)
        case "store":
            return _store(sent, tools)
        case "erase":
            # Nothing to forget is no failure: `docker logout` asks for registries that were never signed in to.
            tools.logins().forget(registry_of(_address(sent)))
            return ""
        case "list":
            return msgspec.json.encode(tools.logins().all()).decode()
        case _:
            return f"docker-credential-orlop (orlop) {__version__}"


async def _get(address: str, tools: LoginTools) -> str:
    """What was kept for a registry; else the identity of this place, in a token that is for that registry alone."""
    registry = registry_of(address)
    login = tools.logins().get(registry) or _signed_in(registry, tools)
    if login is None and registry != DEFAULT_REGISTRY:
        found = await tools.identity().find(registry, AmbientSearch())
        login = Login(USER, found.text) if found is not None else None
    if login is None:
        raise HelperRefused(NOT_FOUND)
    return msgspec.json.encode(_Credentials(address, login.username, login.secret)).decode()


def _signed_in(registry: str, tools: LoginTools) -> Login | None:
    """What `orlop login` kept; not the token of a place, of which a fresh one is to be had."""
    kept = (tools.saved().find(f"{scheme}://{registry}") for scheme in ("https", "http"))
    return next((Login(one.name, one.secret) for one in kept if one is not None and one.name != USER), None)


def _store(sent: bytes, tools: LoginTools) -> str:
    try:
        given = msgspec.json.decode(sent, type=_Credentials)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise HelperRefused("what came is not a JSON object with ServerURL, Username and Secret") from cause
    if not given.server_url:
        raise HelperRefused(NO_SERVER)
    if not given.username:
        raise HelperRefused(NO_USER)
    tools.logins().keep(registry_of(given.server_url), Login(given.username, given.secret))
    return ""


def _address(sent: bytes) -> str:
    text = sent.decode("utf-8", "replace").strip()
    if not text:
        raise HelperRefused(NO_SERVER)
    return text
