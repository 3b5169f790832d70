"""Markdown of strangers as HTML that can do no harm, to stand within a page of ours."""

from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

#: Where links may lead. A path would lead to a page of this registry, which its writer did not mean.
_SCHEMES = frozenset({"http", "https", "mailto"})
#: Headings begin below those of the page around them.
_DEEPER, _DEEPEST = 2, 6
#: What is said of a page that is linked to: nothing.
_REL = "nofollow noopener noreferrer"


def render(text: str) -> str:
    """HTML of a Markdown text: no HTML of its own, no pictures (a link in place of each), no styles."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _is_allowed  # type: ignore[method-assign]
    parser.core.ruler.push("plain", _plain)
    parser.add_render_rule("image", _image)
    rendered: str = parser.render(text)
    return rendered


def _is_allowed(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in _SCHEMES
    except ValueError:
        return False


def _plain(state: Any) -> None:
    """Headings deeper, links that say nothing of us, and no styles: columns stand as they come."""
    for token in state.tokens:
        for each in (token, *(token.children or ())):
            each.attrs.pop("style", None)
            each.attrs.pop("title", None)
            if each.type in {"heading_open", "heading_close"}:
                each.tag = f"h{min(int(each.tag[1:]) + _DEEPER, _DEEPEST)}"
            elif each.type == "link_open":
                each.attrs["rel"] = _REL
            elif each.type == "fence":
                each.info = ""  # it would be a class, of which we have our own


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], number: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    from markdown_it.common.utils import escapeHtml

    token = tokens[number]
    address = str(token.attrs.get("src", ""))
    words = renderer.renderInlineAsText(token.children or [], options, env) or "picture"
    if any(each.type == "link_open" for each in tokens[:number]) and _within_link(tokens, number):
        return escapeHtml(words)
    return f'<a href="{escapeHtml(address)}" rel="{_REL}">{escapeHtml(words)}</a>'


def _within_link(tokens: Sequence[Token], number: int) -> bool:
    """Whether a token stands in a link, where there is no other."""
    depth = sum((each.type == "link_open") - (each.type == "link_close") for each in tokens[:number])
    return depth > 0
