"""Templates, and the files beside them that pages need."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from orlop.domain.durations import SECOND
from orlop.faces.ui.exchange import Cookie, Reply, UiExchange

if TYPE_CHECKING:
    import jinja2

_PACKAGE = "orlop.faces.ui"

#: The only files that are given out, by what they are.
_TYPES = {"orlop.css": "text/css; charset=utf-8", "passkey.js": "text/javascript; charset=utf-8"}


class Pages:
    """Renders templates. Everything in them is escaped, and a name that is missing is an error."""

    def page(
        self,
        exchange: UiExchange,
        template: str,
        *,
        status: int = 200,
        cookies: tuple[Cookie, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
        **values: Any,
    ) -> Reply:
        """A page with these values."""
        visitor = exchange.visitor
        text = (
            _templates()
            .get_template(f"{template}.html")
            .render({"csrf": exchange.csrf, "account": visitor.account if visitor else None, "message": "", **values})
        )
        return Reply(status, text.encode(), cookies=cookies, headers=headers)


@cache
def _templates() -> "jinja2.Environment":
    """Read and translated once for a process, when the first page is asked for."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["day"] = _day
    return environment


class StaticFile(msgspec.Struct, frozen=True):
    """A file and what it is."""

    content: bytes
    content_type: str
    etag: str


def static_files() -> Mapping[str, StaticFile]:
    """Every file that pages may name, read once."""
    found = {}
    for name, content_type in _TYPES.items():
        content = (files(_PACKAGE) / "static" / name).read_bytes()
        found[name] = StaticFile(content, content_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
    return found


def _day(at: int) -> str:
    """A time, to the minute; a dash for never."""
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%d %H:%M") if at else "–"
