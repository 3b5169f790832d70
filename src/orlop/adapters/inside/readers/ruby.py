"""Gems: specifications of installed ones, which are Ruby and never run, and lock files of Bundler."""

import re

from orlop.adapters.inside.readers.harvest import MANY, ONE, Harvest, lines_of
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

#: An assignment as RubyGems writes it: `s.name = "rails".freeze`, `s.licenses = ["MIT".freeze]`.
_ASSIGNED = re.compile(r"\w+\.(name|version|licenses?)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(["'])([^"']{0,256})\1""")
#: The comment that RubyGems reads first: `# stub: rails 7.1.0 ruby lib`.
_STUB = re.compile(r"# stub: (\S+) (\S+) ")
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})")
#: The specification of a gem in a lock file, `    nokogiri (1.16.0-x86_64-linux)`: the version, and after a hyphen the
#: platform.
_LOCKED = re.compile(r" {4}([^\s(]+) \(([^-)]+)(?:-[^)]*)?\)!?\s*")
_SECTIONS = frozenset({"GEM", "GIT", "PATH", "PLUGIN SOURCE"})
#: Characters of a line that is looked at.
_LINE = 8_192


def wants_ruby(path: str, mode: int, size: int) -> bool:
    """Whether it is the specification of an installed gem."""
    return path.endswith(".gemspec") and (path.startswith("specifications/") or "/specifications/" in path)


def read_ruby(path: str, content: bytes) -> Found | None:
    """The gem that the specification is of."""
    harvest = Harvest(path, "ruby")
    name, version, licences = "", "", list[str]()
    for line in lines_of(content):
        stub = _STUB.match(line) if line.startswith("# stub:") else None
        if stub:
            name, version = stub[1], stub[2]
        assigned = _ASSIGNED.match(line.strip()) if "=" in line and len(line) <= _LINE else None
        if not assigned:
            continue
        if assigned[1].startswith("license"):
            licences += [_plain(each[2]) for each in _QUOTED.finditer(assigned[2])]
        elif literal := _QUOTED.match(assigned[2].removeprefix("Gem::Version.new(")):
            name, version = (_plain(literal[2]), version) if assigned[1] == "name" else (name, _plain(literal[2]))
    if version:
        harvest.add("gem", name, version, licences=licences)
    return harvest.found()


def _plain(literal: str) -> str:
    return _UNICODE.sub(lambda code: chr(int(code[1], 16)), literal)


def wants_ruby_lock(path: str, mode: int, size: int) -> bool:
    """Whether it is a lock file of Bundler."""
    return path.rpartition("/")[2] in {"Gemfile.lock", "Gemfile.next.lock", "gems.locked"}


def read_ruby_lock(path: str, content: bytes) -> Found | None:
    """The gems that are locked. One that is locked for several platforms is one."""
    harvest, section = Harvest(path, "ruby-lock"), ""
    for line in lines_of(content):
        if line and line[0] != " ":
            section = line.strip()
        elif section in _SECTIONS and (locked := _LOCKED.fullmatch(line)):
            harvest.add("gem", locked[1], locked[2])
    return harvest.found()


RUBY = Reader(name="ruby", wants=wants_ruby, most=ONE, read=read_ruby)
RUBY_LOCK = Reader(name="ruby-lock", wants=wants_ruby_lock, most=MANY, read=read_ruby_lock)
