"""What templates say of values: sizes, times, digests, parts of addresses and of command lines."""

import shlex
from datetime import UTC, datetime
from urllib.parse import quote

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from orlop.domain.counts import counted
from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND
from orlop.domain.sizes import size_words

#: Hexadecimal digits of a digest that are shown.
_SHORT = 12
#: What is longer ago is told as a day.
_DAYS = 60


def equip(environment: Environment) -> None:
    """Give templates these filters."""
    environment.filters |= {
        "when": when,
        "day": day,
        "size": size,
        "count": count,
        "short": short,
        "arg": shlex.quote,
        "part": address_part,
        "path": address_path,
        "counted": counted_words,
        "codes": codes,
        "kinds": kinds,
        "first_upper": first_upper,
    }


@pass_context
def when(context: Context, at: int | None) -> Markup:
    """A time as people say it, with the exact one on hover; a script tells it in the reader's zone."""
    if not at:
        return Markup("–")
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    exact = Markup('<time datetime="{}" title="{}">{}</time>')
    words = _words(at, context["now"])
    return exact.format(moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M:%S UTC"), words)


def day(at: int | None) -> Markup:
    """A time to the minute; a dash for never."""
    if not at:
        return Markup("–")
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    return Markup('<time data-exact datetime="{}">{}</time>').format(
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y-%m-%d %H:%M")
    )


def size(amount: int | None) -> Markup:
    """Bytes in the largest unit that they reach, exact on hover."""
    if amount is None:
        return Markup("–")
    return Markup('<data value="{}" title="{} bytes">{}</data>').format(amount, f"{amount:,}", size_words(amount))


def count(amount: int | None) -> str:
    """A number with its thousands apart."""
    return "–" if amount is None else f"{amount:,}"


def short(digest: str) -> Markup:
    """A digest that can be read, whole on hover and when it is copied."""
    _, colon, digits = str(digest).partition(":")
    shown = digits[:_SHORT] if colon else str(digest)[:_SHORT]
    return Markup('<code class="digest" title="{0}" data-copy="{0}">{1}</code>').format(digest, shown)


def address_part(text: str) -> str:
    """A text as one component of an address, or a value in its query."""
    return quote(str(text), safe="")


def address_path(text: str) -> str:
    """A name with slashes as components of an address."""
    return quote(str(text), safe="/")


def counted_words(amount: int, what: str) -> str:
    """`1 tag`, `2,000 tags`."""
    return f"{count(amount)}{counted(amount, what).removeprefix(str(amount))}"


def kinds(plural: str) -> str:
    """A kind of setting in words: `tag rules`, `VEX documents`."""
    return " ".join("VEX" if word == "vex" else word for word in plural.split("-"))


def first_upper(text: str) -> str:
    """With its first letter in upper case, and all others as they are."""
    return text[:1].upper() + text[1:]


def codes(text: str) -> Markup:
    """What stands between backticks as code, and no other mark."""
    parts = str(text).split("`")
    return Markup().join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _words(at: int, now: int) -> str:
    apart = abs(now - at)
    if apart < MINUTE:
        return "just now" if at <= now else "in a moment"
    if apart >= _DAYS * DAY:
        return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d")
    unit, word = next((unit, word) for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")) if apart >= unit)
    said = f"{apart // unit} {word}"
    return f"{said} ago" if at <= now else f"in {said}"
