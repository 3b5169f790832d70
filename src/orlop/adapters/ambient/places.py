"""Tokens that lie ready: in a variable, as GitLab CI has them (`id_tokens`), or in a file, as Kubernetes does it."""

from collections.abc import Mapping
from pathlib import Path

from orlop.adapters.ambient.asking import read
from orlop.domain.identity.trusts.tokens import TOKEN_MAX
from orlop.ports.ambient import AmbientSearch, AmbientToken, AmbientUnusable, Surrounding

#: Where it is looked unless something else is said.
VARIABLE = "REGISTRY_ID_TOKEN"
FILE_VARIABLE = "REGISTRY_ID_TOKEN_FILE"
FILE = "/var/run/secrets/orlop/token"


def find(environment: Mapping[str, str], search: AmbientSearch, default_file: str = FILE) -> AmbientToken | None:
    """The token that lies ready; None when none does. What was named has to be there."""
    if search.variable:
        text = environment.get(search.variable)
        if not text:
            raise AmbientUnusable(f"the variable {search.variable} is empty")
        return read(text, Surrounding.TOKEN, f"the variable {search.variable}")
    if search.file:
        return _from_file(search.file)
    if text := environment.get(VARIABLE):
        return read(text, Surrounding.TOKEN, f"the variable {VARIABLE}")
    if named := environment.get(FILE_VARIABLE):
        return _from_file(named)
    return _from_file(default_file) if Path(default_file).exists() else None


def _from_file(path: str) -> AmbientToken:
    try:
        with Path(path).open("rb") as file:
            text = file.read(TOKEN_MAX + 2).decode("ascii")
    except OSError as cause:
        raise AmbientUnusable(f"{path} cannot be read: {(cause.strerror or str(cause)).lower()}") from cause
    except UnicodeDecodeError as cause:
        raise AmbientUnusable(f"{path} holds no token of an OpenID Connect issuer") from cause
    return read(text, Surrounding.TOKEN, path)
