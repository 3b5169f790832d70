"""docs/runbooks.md: every command that it names is one, with the flags that it shows."""

import re
from pathlib import Path

import cyclopts

from orlop.__main__ import commands

_PAGE = (Path(__file__).parents[2] / "docs" / "runbooks.md").read_text()


def test_every_command_of_a_runbook_is_there() -> None:
    root, seen = commands(), 0
    for command in re.findall(r"`orlop ([^`]+)`", _PAGE):
        app: cyclopts.App = root
        words = command.split()
        while words and not words[0].startswith("-") and words[0] in app:
            app = app[words.pop(0)]
        assert app is not root, command
        assert app.default_command is not None, f"{command}: which of {', '.join(app)}?"
        flags = {word for word in words if word.startswith("--")}
        known = {name for argument in app.assemble_argument_collection() for name in argument.names}
        assert flags <= known, (command, flags - known)
        seen += 1
    assert seen > 20
