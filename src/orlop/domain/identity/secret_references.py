"""Secrets in documents: as they are, or where they are kept. Fetching them is not here."""

import posixpath
import re

import msgspec

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}", re.ASCII)

#: A longer secret is none.
SECRET_MAX = 4096


class SecretReference(msgspec.Struct, frozen=True):
    """Where a secret is: exactly one of these is set."""

    literal: str = ""
    variable: str = ""
    """The environment variable that holds it."""
    path: str = ""
    """The file that holds it, whose last line break does not belong to it."""

    def __repr__(self) -> str:
        return f"SecretReference({self.variable or self.path or 'literal'})"


class SecretPlaces(msgspec.Struct, frozen=True):
    """Where references may lead: files below these folders, variables whose names begin with this prefix.

    Everything else that the server can read is none of the business of whoever writes a document.
    """

    folders: tuple[str, ...] = ()
    prefix: str = ""
    """Empty: no variable may be named."""

    def refuse(self, reference: SecretReference) -> None:
        """Raises ValueError, which says where secrets may be, for a reference that leads elsewhere by its words."""
        if reference.variable and not (self.prefix and reference.variable.startswith(self.prefix)):
            named = f"begin with {self.prefix}" if self.prefix else "are switched off"
            raise ValueError(
                f"env:{reference.variable} may not be read; variables with secrets {named} (secrets.prefix)"
            )
        if reference.path and self.folder_of(reference.path) is None:
            below = " or ".join(self.folders) or "no folder"
            raise ValueError(f"file:{reference.path} may not be read; secrets are below {below} (secrets.folders)")

    def folder_of(self, path: str) -> str | None:
        """The folder that an absolute path is below, dots and doubled slashes resolved; None: it is below none."""
        plain = posixpath.normpath(path)
        for folder in self.folders:
            if plain.startswith(posixpath.normpath(folder) + "/"):
                return folder
        return None


def parse_secret(text: str) -> SecretReference:
    """`env:NAME`, `file:/PATH`, or the secret itself. Raises ValueError, which does not repeat the text."""
    if len(text) > SECRET_MAX:
        raise ValueError(f"a secret has at most {SECRET_MAX} characters")
    if text.startswith("env:"):
        name = text.removeprefix("env:")
        if not _VARIABLE.fullmatch(name):
            raise ValueError("env: is followed by the name of an environment variable")
        return SecretReference(variable=name)
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        if not path.startswith("/") or "\0" in path:
            raise ValueError("file: is followed by an absolute path")
        return SecretReference(path=path)
    if not text or not text.isprintable():
        raise ValueError("a secret is not empty and has no control characters; keep another in a file")
    return SecretReference(literal=text)
