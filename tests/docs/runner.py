"""Runs a document: writes its files, types its commands, and puts down what they print now.

Blocks tagged `console` are transcripts, run in one shell; `console server` starts a server; `console PROGRAM` needs a
program. Files stand under `<!-- file: NAME -->`. `<!-- given: IMAGE as REFERENCE -->` pushes an image of `images`
before the block behind it, to a server that is started if there is none; `<!-- read: REFERENCE -->` waits until an
image was read; `<!-- stop: ADDRESS -->` ends a server;
`<!-- checkout: NAME -->` puts a folder of the repository beside what is typed, as in a checkout;
`<!-- adapter: ADDRESS -->` starts the adapter of a scanner; `<!-- stored: IMAGE as FOLDER/REPOSITORY:TAG -->` puts an
image into a folder of distribution. Ports of this machine are exchanged for free ones.
"""

import configparser
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orlop.domain.names import RepositoryName
from tests.clients.programs import Station
from tests.clientside.clients import client, push
from tests.docs import images
from tests.docs.blocks import Block, Step, blocks, promised, steps, tidy
from tests.docs.servers import Ports, Servers
from tests.docs.shell import Shell
from tests.needs import find, need
from tests.servers import ORLOP
from tests.storages import store_distribution

_GIVEN = re.compile(r"<!-- given: (\w+) as ([^/\s]+)/(\S+):(\S+) -->")
_STORED = re.compile(r"<!-- stored: (\w+) as ([^/\s]+)/(\S+):(\S+) -->")
_ADAPTER = re.compile(r"<!-- adapter: (\S+) -->")
_READ = re.compile(r"<!-- read: (\S+) -->")
_CHECKOUT = re.compile(r"<!-- checkout: (\S+) -->")
_STOP = re.compile(r"<!-- stop: (\S+) -->")
_ROOT = Path(__file__).parents[2]
#: Where the command of this environment is, and what it runs beside.
_BIN = str(Path(sys.executable).parent)


class Document:
    """A document that is being run. `provide` starts what a program needs, and gives variables for the shell."""

    def __init__(self, path: Path, folder: Path, provide: Callable[[str], dict[str, str]]) -> None:
        self.text = path.read_text()
        self.blocks = blocks(self.text)
        self.missing: dict[int, str] = {}
        """Why sections were left out, by their number."""
        self._provide = provide
        self._folder = folder
        self._ports = Ports()
        station = Station(folder)
        self.working = folder / "work"
        self.working.mkdir()
        self.environment = {
            **{name: value for name, value in station.environment.items() if not name.startswith("GIT_")},
            "PATH": f"{_BIN}:{_go_programs()}{station.environment['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "120",
        }
        self.servers = Servers(self.working, self.environment, self._ports)

    async def shown(self, shell: Shell) -> str:
        """The document with what its commands print now, where that is not what it promises."""
        parts, position = [], 0
        for number, block in enumerate(self.blocks):
            before = self.text[position : block.start]
            if block.section not in self.missing and not self._is_missing(block):
                for stop in _STOP.finditer(before):
                    self.servers.end(stop[1])
                for name in _CHECKOUT.findall(before):
                    (self.working / name).symlink_to(_ROOT / name)
                for adapter in _ADAPTER.finditer(before):
                    self.servers.adapter(adapter[1])
                for given in _GIVEN.finditer(before):
                    await self._push(*given.groups())
                for image, folder, repository, tag in _STORED.findall(before):
                    store_distribution(self.working / folder, repository, images.named()[image], tag)
                for read in _READ.finditer(before):
                    shell.run(self._ports.rewritten(f"orlop sbom {read[1]}"))
                parts += [before, self._run(block, shell, number)]
            else:
                parts += [before, block.body]
            position = block.start + len(block.body)
        return "".join([*parts, self.text[position:]])

    def _is_missing(self, block: Block) -> bool:
        """Whether a program that the block needs is not there; leaves out the rest of its section then."""
        programs = [word for word in block.words if word != "server"]
        try:
            need(*programs)
            for program in programs:
                self._provide(program)
        except pytest.skip.Exception as reason:
            self.missing[block.section] = f"from line {block.line}: {reason}"
            return True
        return False

    def _run(self, block: Block, shell: Shell, number: int) -> str:
        if block.kind == "console":
            for word in block.words:
                for name, value in self._provide(word).items():
                    shell.set(name, value)
            run = self._serve if "server" in block.words else self._type
            return "".join(run(step, shell, f"{number}-{index}") for index, step in enumerate(steps(block.body)))
        if block.kind != "text":
            self._check(block)
        return block.body

    def _serve(self, step: Step, shell: Shell, name: str) -> str:
        log = self._folder / f"server-{name}.log"
        said = self.servers.start(step.command, step.expected, log)
        fits = promised(step.expected).match(said)
        return _text(step, "".join(f"{line}\n" for line in step.expected) if fits else said)

    def _type(self, step: Step, shell: Shell, name: str) -> str:
        output, code = shell.run(self._ports.rewritten(step.command))
        said = self._ports.restored(tidy(output))
        if code and not said:
            said = f"(exit code {code}, without a word)\n"
        fits = promised(step.expected).fullmatch(said)
        return _text(step, "".join(f"{line}\n" for line in step.expected) if fits else said)

    def _check(self, block: Block) -> None:
        """Write the block where it has a name; read it by its kind. Fails where nothing can be done with it."""
        where = f"line {block.line}: "
        if block.file:
            assert self.text.count(block.file) > 1, f"{where}nothing speaks of {block.file}"
            file = self.working / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._ports.rewritten(block.body))
        if block.kind == "json":
            json.loads(block.body)
        elif block.kind == "yaml":
            yaml.safe_load(block.body)
        elif block.kind == "ini":
            configparser.ConfigParser(strict=False, interpolation=None).read_string(block.body)
        elif block.kind == "toml" and block.file:
            tomllib.loads(block.body)
        elif block.kind == "toml":
            settings = self._folder / "settings.toml"
            settings.write_text(block.body)
            done = subprocess.run(
                [*ORLOP, "config", "show", "--config", settings],
                cwd=self.working,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, f"{where}{done.stderr}"
        else:
            assert block.file, f"{where}nobody runs or reads a block of kind {block.kind!r}; `text` says so"

    async def _push(self, name: str, host: str, repository: str, tag: str) -> None:
        self.servers.ensure(host, self._folder / "given.log")
        # As whoever the page has signed in by then.
        home = Path(self.environment["HOME"])
        environment = {name: value for name, value in self.environment.items() if not name.startswith("XDG_")}
        async with client(environment=environment, home=home, signed_in=True) as opened:
            target = await opened.repository(self._ports.rewritten(host), RepositoryName(repository))
            pushable = images.named()[name]
            await push(target, pushable, *([] if tag == "none" else [tag]))


def _text(step: Step, output: str) -> str:
    return "".join(f"{line}\n" for line in step.typed) + output


def _go_programs() -> str:
    """Folders of programs that are not on the PATH, each with a colon behind it."""
    folders = {str(Path(path).parent) for path in map(find, ("crane", "oras", "helm", "cosign")) if path}
    return "".join(f"{folder}:" for folder in sorted(folders))
