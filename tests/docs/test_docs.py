"""README.md and docs/: what they say is typed, is typed here, and what is shown to come of it has to come of it."""

import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from orlop.faces.cli.overview import GROUPS
from tests.clients import daemons
from tests.clients.programs import go_cache, jib
from tests.docs.blocks import blocks
from tests.docs.runner import Document
from tests.docs.shell import shell
from tests.needs import CLIENTS

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", _ROOT / "CONTRIBUTING.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
#: What the runner gives to a page, and what a reader does not see or takes for what is typed.
_NEEDED = re.compile(r"<!-- (?:given: \w+ as [^/\s]+/(?P<image>\S+)|file: (?P<file>\S+)) -->")
_HIDDEN = re.compile(r"^```.*?^```$|<!--.*?-->", re.DOTALL | re.MULTILINE)


def _parameter(page: Path) -> object:
    runs = any(block.kind in {"console", "toml"} for block in blocks(page.read_text()))
    return pytest.param(page, id=str(page.relative_to(_ROOT)), marks=[pytest.mark.slow] if runs else [])


@pytest.fixture(scope="session")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a containerd of our own."""
    with daemons.containerd(tmp_path_factory.mktemp("containerd")) as socket:
        yield socket


@pytest.fixture(scope="session")
def dockerd(containerd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a Docker Engine of our own, which has no mirror."""
    with daemons.dockerd(tmp_path_factory.mktemp("dockerd"), containerd, "http://127.0.0.1:1") as socket:
        yield socket


@pytest.mark.parametrize("page", [_parameter(page) for page in _PAGES])
async def test_what_the_page_shows_is_what_happens(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    def provide(program: str) -> dict[str, str]:
        if program == "docker":
            return {"DOCKER_HOST": f"unix://{request.getfixturevalue('dockerd')}", "DOCKER_BUILDKIT": "0"}
        if program == "ctr":
            return {"CONTAINERD_ADDRESS": str(request.getfixturevalue("containerd"))}
        if program == "dxf":
            return {"VENV": str(CLIENTS / "python")}
        if program == "java":
            return {"JIB": jib()}
        if program == "ko":
            return {"GOCACHE": go_cache()}
        return {}

    document = Document(page, tmp_path, provide)
    try:
        with shell(document.working, tmp_path / "command.sh", document.environment) as running:
            now = await document.shown(running)
    finally:
        document.servers.stop()
    (tmp_path / "shown.md").write_text(now)
    differing = "\n".join(
        unified_diff(document.text.splitlines(), now.splitlines(), "as written", "as it is", lineterm="")
    )
    assert not differing, f"\n{differing}"
    if document.missing:
        pytest.skip("; ".join(document.missing.values()))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_what_stands_in_comments_is_told_to_readers(page: Path) -> None:
    """The images and files that a page begins with are named in its text, so that who types it has them, too."""
    text = page.read_text()
    for needed in _NEEDED.finditer(text):
        told = _HIDDEN.sub("", text[: needed.start()])
        assert f"`{needed['image'] or needed['file']}`" in told, needed[0]


def test_every_command_and_every_page_is_found_from_where_readers_begin() -> None:
    """docs/management.md leads to each command, README.md and docs/i-want-to.md to each page."""
    commands = (_ROOT / "docs" / "management.md").read_text()
    named = set(re.findall(r"`(?:orlop )?([a-z-]+)", commands))
    assert {name for names in GROUPS.values() for name in names} - named == {"version"}
    for start in (_ROOT / "README.md", _ROOT / "docs" / "i-want-to.md"):
        linked = {(start.parent / link).resolve() for link in _LINK.findall(start.read_text()) if "://" not in link}
        assert {page for page in (_ROOT / "docs").glob("*.md") if page != start} - linked == set(), start
