"""Markdown of strangers: what comes out does no harm, whatever went in."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.archives.markdown import render

_TAGS = {
    *("a", "p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "blockquote"),
    *("hr", "br", "table", "thead", "tbody", "tr", "th", "td"),
}


class Checked(HTMLParser):
    """Fails at whatever a page must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        told = dict(attrs)
        allowed = {"a": {"href", "rel"}, "ol": {"start"}}.get(tag, set())
        assert set(told) <= allowed, (tag, attrs)
        if tag == "a":
            assert told["rel"] == "nofollow noopener noreferrer"
            address = told["href"] or ""
            assert re.match(r"(?:https?|mailto):", address, re.IGNORECASE), address
            self.links.append(address)

    handle_startendtag = handle_starttag


def checked(text: str) -> list[str]:
    """The links of the HTML of a text, after a look at all of it."""
    parser = Checked()
    parser.feed(render(text))
    parser.close()
    return parser.links


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example)",
        "[x](/account)",
        "[x](\\\\evil.example)",
        "[x](blob:https://a)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        '```"><script>alert(1)</script>\nx\n```',
        "# <svg onload=alert(1)>",
        "| <b> |\n|:-:|\n| <i> |",
        "a\x00b <iframe>",
    ],
)
def test_what_would_do_harm_is_text(text: str) -> None:
    assert checked(text) == []


def test_links_lead_where_they_say() -> None:
    text = "[a](https://a.example/?x=1&y=\"2\" 'title') <mailto:b@c.example> ![d](http://d.example/e.png) [![f](https://f.example)](https://g.example)"
    assert checked(text) == [
        "https://a.example/?x=1&y=%222%22",
        "mailto:b@c.example",
        "http://d.example/e.png",
        "https://g.example",
    ]


def test_headings_stand_below_those_of_the_page() -> None:
    assert re.findall(r"<h(\d)>", render("# a\n\n## b\n\n###### c\n")) == ["3", "4", "6"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("[]()<>!#*_`|:-\n \"'&;/\\jhtps:a=\x00é"), max_size=80))
def test_no_text_does_harm(text: str) -> None:
    checked(text)
