"""What `--help` says: nothing that may be typed is without a word about it."""

from collections.abc import Iterator

import cyclopts

from orlop.__main__ import commands


def _each(app: cyclopts.App, path: str = "orlop") -> Iterator[tuple[str, cyclopts.App]]:
    """Every command below one, by how it is typed."""
    for name in app:
        if not name.startswith("-"):
            yield f"{path} {name}", app[name]
            yield from _each(app[name], f"{path} {name}")


def test_every_command_says_what_it_does() -> None:
    assert [path for path, command in _each(commands()) if not command.help] == []


def test_every_argument_says_what_it_is() -> None:
    silent = [
        f"{path} {argument.name}"
        for path, command in _each(commands())
        if command.default_command is not None
        for argument in command.assemble_argument_collection(parse_docstring=True)
        if argument.show and not argument.parameter.help
    ]
    assert silent == []
