"""What Sphinx reads: the pages where they lie in the repository, so that their links hold as they are, and beside them
the pages of sections, of the routes and of the start."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from deploy.site.navigation import ROUTES, SECTIONS, Section, pages

#: What pages link to: files that a reader may take with them.
_LINKED = (
    "deploy",
    "docs",
    "bench/results.md",
    "bench/inside/results.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
)
#: Folders of which no file is part of the site; what links to them names them instead.
_CODE = ("src", "tests")
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)\)")
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py")


def gather(root: Path, source: Path) -> None:
    """Fill the folder `source` from the repository at `root`."""
    for name in _LINKED:
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (root / name).is_dir():
            shutil.copytree(root / name, place, ignore=_LEFT_OUT)
        else:
            shutil.copy(root / name, place)
    for page in source.rglob("*.md"):
        page.write_text(_mapped(page.read_text(), page.relative_to(source), root))
    (source / ROUTES).write_text(routes(json.loads((root / "docs" / "openapi.json").read_text())))
    for section in SECTIONS:
        (source / f"{section.name}.md").write_text(_contents(section, root))
    (source / "index.md").write_text(_start())


def _mapped(text: str, page: Path, root: Path) -> str:
    """A page whose links to what the site does not hold lead to what stands for it: the list of decisions for their
    folder, a name for code. A link to what is not there stays, and fails the build."""

    def link(match: re.Match[str]) -> str:
        target = (root / page.parent / match["target"]).resolve()
        if target == root / "docs" / "adr":
            return f"[{match['text']}]({'../' * (len(page.parts) - 1)}decisions.md)"
        if target.is_relative_to(root) and target.exists() and target.relative_to(root).parts[0] in _CODE:
            name = f"`{target.relative_to(root)}`"
            return name if match["text"].strip("`") in name else f"{match['text']} ({name} of the repository)"
        return match[0]

    return _LINK.sub(link, text)


def _contents(section: Section, root: Path) -> str:
    listed = "\n".join(f"/{page.removesuffix('.md')}" for page in pages(section, root))
    # A section of one page shows what stands on it.
    depth = 2 if len(section.pages) == 1 and "*" not in section.pages[0] else 1
    return f"# {section.title}\n\n{section.about}\n\n```{{toctree}}\n:maxdepth: {depth}\n\n{listed}\n```\n"


def _start() -> str:
    lines = "\n".join(f"- [{section.title}]({section.name}.md): {section.about}" for section in SECTIONS)
    hidden = "\n".join(section.name for section in SECTIONS)
    return (
        "# Orlop\n\nA container registry: one command for a single developer, the same program for a company with "
        f"several regions.\n\n{lines}\n\n```{{toctree}}\n:hidden:\n:maxdepth: 2\n\n{hidden}\n```\n"
    )


def routes(document: dict[str, Any]) -> str:
    """A page with every route of an OpenAPI description, grouped by tags."""
    groups: dict[str, list[str]] = {}
    for path, methods in sorted(document["paths"].items()):
        for method in _METHODS:
            operation = methods.get(method)
            if operation is None:
                continue
            told = operation.get("description") or operation.get("summary") or ""
            row = f"| `{method.upper()} {path}` | {_cell(told)} | {_codes(operation)} |"
            groups.setdefault(_group(path, operation), []).append(row)
    parts = [
        "# Routes of the API\n",
        "Every route, from the description in [openapi.json](docs/openapi.json), which has the bodies, too."
        " [Managing a registry](docs/management.md) says how to sign in.\n",
    ]
    for group, rows in sorted(groups.items()):
        parts += [f"## {group}\n", "| route | what it does | answers |", "|---|---|---|", *rows, ""]
    return "\n".join(parts)


def _group(path: str, operation: dict[str, Any]) -> str:
    tags = operation.get("tags") or [path.removeprefix("/api/v1/").split("/")[0] or "/"]
    return str(tags[0])


def _codes(operation: dict[str, Any]) -> str:
    return ", ".join(sorted(operation.get("responses", {})))


def _cell(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|").replace("<", "&lt;")
