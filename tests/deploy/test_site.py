"""The documentation as a site: every page of docs/ is in it, with all that it needs, and what is broken fails it."""

import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from deploy.site.links import broken
from deploy.site.navigation import SECTIONS, astray, pages
from deploy.site.source import gather, routes
from tests.deploy.pythons import ROOT
from tests.needs import lack

_PYTHON = ROOT / ".venv-site" / "bin" / "python"


def _built(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    if not _PYTHON.exists():
        lack("not installed: what makes the site (make .venv-site/.made)")
    command = [_PYTHON, "-m", "deploy.site", "--root", root, "--into", site]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with all files of this one that the site is made from, each page shrunk to its headings."""
    root = tmp_path / "repository"
    shutil.copytree(ROOT / "deploy", root / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    for section in SECTIONS:
        for page in pages(section, ROOT):
            if (ROOT / page).exists():
                (root / page).parent.mkdir(parents=True, exist_ok=True)
                (root / page).write_text(f"# {Path(page).stem}\n")
    shutil.copy(ROOT / "LICENSE", root)
    (root / "docs" / "openapi.json").write_text('{"paths": {}}')
    return root


def test_every_page_stands_in_one_section() -> None:
    assert astray(ROOT) == []


def test_a_page_that_stands_nowhere_or_is_gone_is_named(small: Path) -> None:
    (small / "docs" / "forgotten.md").write_text("# Forgotten\n")
    (small / "docs" / "access.md").unlink()
    assert astray(small) == [
        "docs/forgotten.md stands in no section of deploy/site/navigation.py",
        "docs/access.md stands in deploy/site/navigation.py, and is not there",
    ]


def test_every_route_of_the_description_has_its_row() -> None:
    document = {
        "paths": {
            "/api/v1/things/{name}": {
                "get": {
                    "tags": ["things"],
                    "description": "One | of\nthem.\n\nMore.",
                    "responses": {"404": {}, "200": {}},
                },
                "delete": {"tags": ["things"], "summary": "Remove", "responses": {"204": {}}},
            }
        }
    }
    page = routes(document)
    assert "| `GET /api/v1/things/{name}` | One \\| of them. | 200, 404 |" in page
    assert "| `DELETE /api/v1/things/{name}` | Remove | 204 |" in page
    assert page.count("## things") == 1


def test_links_to_what_the_site_has_not_are_mapped(small: Path, tmp_path: Path) -> None:
    (small / "tests" / "clients").mkdir(parents=True)
    page = "# Access\n\n[decisions](adr/), [tried](../tests/clients), [gone](../tests/gone)\n"
    (small / "docs" / "access.md").write_text(page)
    gather(small, tmp_path / "source")
    mapped = (tmp_path / "source" / "docs" / "access.md").read_text()
    assert "[decisions](../decisions.md), tried (`tests/clients` of the repository), [gone](../tests/gone)" in mapped


def test_what_is_broken_in_html_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(
        '<script src="https://cdn.example/x.js"></script><img src="gone.png"><a href="two.html#there">'
        '<a href="two.html#nowhere"><a href="https://example.com/gone"><a href="#own"><p id="own">'
    )
    (tmp_path / "two.html").write_text('<h1 id="there">Two</h1>')
    assert broken(tmp_path) == [
        "one.html loads https://cdn.example/x.js from elsewhere",
        "one.html links to two.html#nowhere, a page without that anchor",
        "one.html links to gone.png, which is not there",
    ]


@pytest.mark.slow
def test_the_site_has_every_page(tmp_path: Path) -> None:
    done = _built(ROOT, tmp_path / "site")
    assert (done.returncode, done.stderr) == (0, "")
    for page in (ROOT / "docs").rglob("*.md"):
        html = tmp_path / "site" / page.relative_to(ROOT).with_suffix(".html")
        title = page.read_text().splitlines()[0].removeprefix("# ").split("`")[0]
        assert title in unescape(html.read_text()), page
    assert "openapi.json" in (tmp_path / "site" / "routes.html").read_text()
    assert broken(tmp_path / "site") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("[gone](gone.md)", "docs/access.md:3: WARNING: 'myst' cross-reference target not found: 'gone.md'"),
        ("[gone](audit.md#gone)", "docs/access.md:3: WARNING: local id not found in doc 'docs/audit': 'gone'"),
        ("[gone](../src/gone.py)", "docs/access.md:3: WARNING: 'myst' cross-reference target not found"),
    ],
)
def test_a_broken_link_fails_the_build(link: str, told: str, small: Path, tmp_path: Path) -> None:
    (small / "docs" / "access.md").write_text(f"# Access\n\n{link}\n")
    done = _built(small, tmp_path / "site")
    assert done.returncode == 1
    assert told in done.stderr
    assert not (tmp_path / "site").exists()


def test_what_makes_the_site_is_not_what_orlop_needs() -> None:
    """Orlop itself runs and is tested without Sphinx."""
    locked = (ROOT / "requirements" / "dev.txt").read_text()
    assert "\nsphinx==" not in locked
    assert "sphinx" not in sys.modules
