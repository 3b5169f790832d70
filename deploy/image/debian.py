"""The packages of Debian that the image stands on: apt says which they are and checks their signatures; they are
unpacked here, and none of their scripts is run."""

import hashlib
import io
import lzma
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.image.tree import Tree

SUITE = "trixie"
PYTHON = "3.13"
#: What is asked for; apt adds what these need.
_WANTED = ("base-files", f"python{PYTHON}", "ca-certificates", "libstdc++6", "media-types", "netbase", "tzdata")
#: What those need only while they are installed or used by hand: their scripts do not run here.
_NEEDLESS = frozenset({"debconf", "mawk", "openssl", "readline-common", "sensible-utils"})
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
#: Documents, translations and parts of Python that nothing of Orlop reads. Licences stay.
_UNWANTED = re.compile(
    r"usr/share/(man|locale|lintian|bug|info|doc-base|applications|pixmaps|python|gcc|gdb)(/|$)"
    r"|usr/share/doc/(?!.*/copyright$).*[^/]$"
    r"|usr/share/(perl5|binfmts|base-files|debconf|menu|icons)(/|$)"
    r"|usr/lib/(mime|systemd|tmpfiles\.d|valgrind|sysusers\.d)(/|$)"
    r"|usr/lib/[^/]+/(gconv|audit|perl.*)(/|$)"
    rf"|usr/lib/python{PYTHON}/(test|idlelib|ensurepip|turtledemo|pydoc_data|curses|tkinter|turtle\.py|_aix_support.*)(/|$)"
    r"|etc/(alternatives|cron.*|init\.d|python.*|ca-certificates.*|update-motd\.d|skel|profile.*|dpkg|logrotate\.d)(/|$)"
    r"|usr/(sbin|games|include|src)(/|$)|usr/bin/(?!python3\.13$).*"
    r"|(boot|home|media|mnt|opt|srv|root|run|var/(backups|cache|local|lock|mail|opt|run|spool|log))(/|$)"
    r"|usr/lib/bfd-plugins|usr/libexec/"
)


class NotToBeHad(Exception):
    """A package cannot be had; the message says which, and what to do."""


@dataclass(frozen=True)
class Mirrors:
    """Where packages come from, as URLs."""

    debian: str
    security: str


@dataclass(frozen=True)
class Deb:
    """A package. `control`: what it says of itself, as in dpkg's status."""

    name: str
    version: str
    architecture: str
    sha256: str
    control: str
    files: bytes


def packages(cache: Path, architecture: str, mirrors: Mirrors, *, offline: bool) -> list[Deb]:
    """The packages for an architecture of Debian, by name. `offline`: those fetched last. Raises NotToBeHad."""
    folder = cache / "debian" / f"{SUITE}-{architecture}"
    apt = _apt(folder, architecture, mirrors)
    names = folder / "names"
    if not offline:
        _run([*apt, "update"])
        # It lists what is to be fetched: everything, where it sees none of what was fetched before.
        unseen = ("-o", f"Dir::Cache::archives={folder / 'none'}")
        lists = _run([*apt, *unseen, "install", "--print-uris", "-qq", *_WANTED])
        listed = [line.split()[1] for line in lists.splitlines() if line.startswith("'")]
        _run([*apt, "install", "--download-only", "-qq", *_WANTED])
        names.write_text("".join(f"{name}\n" for name in sorted(listed)))
    if not names.exists():
        raise NotToBeHad(f"no packages of Debian for {architecture} are in {cache}: run make image once with a network")
    debs = (_read(folder / "cache" / "archives" / name) for name in names.read_text().split())
    return sorted((deb for deb in debs if deb.name not in _NEEDLESS), key=lambda deb: deb.name)


def unpacked(debs: Sequence[Deb]) -> Tree:
    """The file system of these packages, without what nobody reads, and with what their scripts would have made."""
    tree = Tree()
    for path in ("bin", "lib", "sbin", "lib64"):
        tree.folder(f"usr/{path}")
        tree.link(path, f"usr/{path}")
    for deb in debs:
        tree.unpack(deb.files)
    authorities = sorted(
        (path, entry.content)
        for path, entry in tree.entries.items()
        if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt") and entry.content
    )
    tree.drop(lambda path: bool(_UNWANTED.match(path)) or path.startswith("usr/share/ca-certificates/"))
    tree.file("etc/ssl/certs/ca-certificates.crt", b"".join(content for _, content in authorities))
    tree.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    tree.link("usr/bin/python3", f"python{PYTHON}")
    tree.file("var/lib/dpkg/status", "\n".join(deb.control for deb in debs))
    for path, mode in (("tmp", 0o1777), ("run", 0o755), ("proc", 0o555), ("sys", 0o555), ("dev", 0o755)):
        tree.folder(path, mode)
    return tree


def _apt(folder: Path, architecture: str, mirrors: Mirrors) -> list[str]:
    """`apt-get` with folders of its own and nothing installed, for whoever runs it."""
    if not _KEYS.exists():
        raise NotToBeHad(f"{_KEYS} is missing: install debian-archive-keyring")
    for each in ("state/lists/partial", "cache/archives/partial", "none/partial"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    signed = f"[signed-by={_KEYS}]"
    (folder / "sources").write_text(
        f"deb {signed} {mirrors.debian} {SUITE} main\ndeb {signed} {mirrors.debian} {SUITE}-updates main\n"
        f"deb {signed} {mirrors.security} {SUITE}-security main\n"
    )
    options = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    return ["apt-get", "--yes", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise NotToBeHad(f"{' '.join(command[-3:])} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _read(path: Path) -> Deb:
    if not path.exists():
        raise NotToBeHad(f"{path} is not there any more: run make image once with a network")
    whole = path.read_bytes()
    members = dict(_members(whole))
    control = _control(_plain(members, "control.tar"))
    fields = dict(re.findall(r"^([\w-]+): (.*)$", control, re.MULTILINE))
    # What dpkg would have written of a package that is installed.
    lines = control.strip().replace("\n", "\nStatus: install ok installed\n", 1)
    return Deb(
        fields["Package"],
        fields["Version"],
        fields["Architecture"],
        hashlib.sha256(whole).hexdigest(),
        f"{lines}\n",
        _plain(members, "data.tar"),
    )


def _members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The members of an archive of `ar`, as deb(5) has it."""
    at = 8
    while at < len(archive):
        head = archive[at : at + 60]
        size = int(head[48:58])
        yield head[:16].decode().strip().rstrip("/"), archive[at + 60 : at + 60 + size]
        at += 60 + size + size % 2


def _plain(members: dict[str, bytes], name: str) -> bytes:
    (found,) = (each for each in members if each.startswith(name))
    if found == f"{name}.xz":
        return lzma.decompress(members[found])
    if found == name:
        return members[found]
    raise NotToBeHad(f"a package holds {found}, which is packed in a way that is not read here")


def _control(archive: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        held = members.extractfile("./control")
        assert held is not None
        return held.read().decode()
