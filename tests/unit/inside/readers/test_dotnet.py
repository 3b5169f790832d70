"""Libraries of .NET."""

import json

from orlop.adapters.inside.readers.dotnet import DOTNET, DOTNET_LOCK, read_dotnet, read_dotnet_lock
from tests.packages import listed

_PACKAGE, _PROJECT = {"type": "package", "sha512": "x", "path": "x"}, {"type": "project", "sha512": ""}
_DEPS = {
    "targets": {
        ".NETCoreApp,Version=v8.0": {
            "App/1.0.0": {"dependencies": {"Meta": "2.0.0"}, "runtime": {"App.dll": {}}},
            "Newtonsoft.Json/13.0.3": {"runtime": {"lib/net6.0/Newtonsoft.Json.dll": {}}},
            "Other/1.0.0": {"runtime": {"Other.dll": {}}},
            "Meta/2.0.0": {"dependencies": {"Middle": "2.0.0"}},
            "Middle/2.0.0": {"dependencies": {"Newtonsoft.Json": "13.0.3", "Meta": "2.0.0"}},
            "Analyzer/1.0.0": {},
            "Reference/1.0.0": {"compile": {"Reference.dll": {}}},
        }
    },
    "libraries": {
        "App/1.0.0": _PROJECT,
        "Newtonsoft.Json/13.0.3": _PACKAGE,
        "Other/1.0.0": _PROJECT,
        "Meta/2.0.0": _PACKAGE,
        "Middle/2.0.0": _PACKAGE,
        "Analyzer/1.0.0": _PACKAGE,
        "Reference/1.0.0": {"type": "referenceassembly", "sha512": ""},
    },
}


def test_an_application() -> None:
    """It, and what brings files or needs what does; neither its other projects nor what only built it."""
    assert listed(read_dotnet("app/App.deps.json", json.dumps(_DEPS).encode())) == [
        "nuget:App@1.0.0",
        "nuget:Meta@2.0.0",
        "nuget:Middle@2.0.0",
        "nuget:Newtonsoft.Json@13.0.3",
    ]


def test_assemblies_that_were_merged() -> None:
    """Then no file is left of a package, and yet it is there."""
    merged = json.loads(json.dumps(_DEPS))
    merged["targets"][".NETCoreApp,Version=v8.0"]["ILRepack.Lib/2.0"] = {}
    assert "nuget:Analyzer@1.0.0" in listed(read_dotnet("app/App.deps.json", json.dumps(merged).encode()))


def test_what_is_locked() -> None:
    """For all frameworks, without projects."""
    lock = {
        "version": 1,
        "dependencies": {
            "net8.0": {"A": {"type": "Direct", "resolved": "1.0.0"}, "own": {"type": "Project"}},
            "net8.0/linux-x64": {"A": {"resolved": "1.0.0"}, "B": {"resolved": "2.0.0"}},
        },
    }
    found = read_dotnet_lock("packages.lock.json", json.dumps(lock).encode())
    assert listed(found) == ["nuget:A@1.0.0", "nuget:B@2.0.0"]


def test_which_files() -> None:
    assert DOTNET.wants("app/App.deps.json", 0o644, 1)
    assert not DOTNET.wants("app/project.assets.json", 0o644, 1)
    assert DOTNET_LOCK.wants("app/packages.lock.json", 0o644, 1)


def test_a_damaged_list_is_told() -> None:
    for read in (read_dotnet, read_dotnet_lock):
        found = read("a.deps.json", b"\xff")
        assert found is not None
        assert found.unread
        assert read("a.deps.json", b'{"targets": 3, "dependencies": [], "libraries": {"a": 1}}') is None
