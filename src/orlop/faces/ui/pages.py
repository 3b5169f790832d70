"""Renders templates."""

from functools import cache
from typing import TYPE_CHECKING, Any

from orlop.domain.errors import RegistryError
from orlop.faces.http.errors import status_of
from orlop.faces.ui.exchange import Cookie, Reply, UiExchange
from orlop.ports.clock import Clock

if TYPE_CHECKING:
    import jinja2


class Pages:
    """Everything in a template is escaped, and a name that is missing is an error. `signs_in`: people have accounts
    here; else everybody may do everything."""

    def __init__(self, clock: Clock, *, signs_in: bool = True) -> None:
        self._clock = clock
        self._signs_in = signs_in

    def page(
        self,
        exchange: UiExchange,
        template: str,
        *,
        status: int = 200,
        refusal: RegistryError | None = None,
        cookies: tuple[Cookie, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
        parts: tuple[str, ...] = (),
        **values: Any,
    ) -> Reply:
        """A page with these values. `refusal`: what was wrong with what was sent before, and gives the status.

        `parts`: blocks of the template that are given alone where the address says `part=NAME`, for scripts that put
        them into the page that is open.
        """
        known = self._known(exchange, refusal) | values
        found = _templates().get_template(f"{template}.html")
        part = exchange.query.get("part", "")
        is_part = part in parts and refusal is None
        text = _block(found, part, known) if is_part else found.render(known)
        status = status_of(refusal) if refusal else status
        return Reply(status, text.encode(), cookies=cookies, headers=headers)

    def part(self, exchange: UiExchange, template: str, block: str, **values: Any) -> str:
        """One block of a template."""
        found = _templates().get_template(f"{template}.html")
        return _block(found, block, self._known(exchange, None) | values)

    def _known(self, exchange: UiExchange, refusal: RegistryError | None) -> dict[str, Any]:
        visitor = exchange.visitor
        return {
            "account": visitor.account if visitor else None,
            "banner": exchange.banner,
            "base": exchange.base,
            "csrf": exchange.csrf,
            "here": exchange.here,
            "host": exchange.host,
            "menu": exchange.menu,
            "message": refusal.message if refusal else "",
            "now": self._clock.now(),
            "query": exchange.query,
            "signs_in": self._signs_in,
        }


def _block(template: "jinja2.Template", name: str, values: dict[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(values)))


@cache
def _templates() -> "jinja2.Environment":
    """Read and translated once for a process, when the first page is asked for."""
    import jinja2

    from orlop.faces.ui.marks import equip
    from orlop.faces.ui.static_files import address

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orlop.faces.ui"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static"] = address
    equip(environment)
    return environment
