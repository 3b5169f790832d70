"""Text that another program fills in before anybody reads it, in the ways that templates have."""

import re

from orlop.services.references.occurrences import Finding, Level, Occurrence, Span

#: `{{ go }}`, `{% jinja %}`, `<%= erb %>`, `[[ x ]]`, `<name>`, `%NAME%`, `@NAME@`, `__NAME__`, `#{octopus}`, `{name}`,
#: and words in capitals that stand for others.
TEMPLATE = re.compile(
    r"\{\{|\{%|<%|\[\[|<[^<>]{0,200}>|%[A-Za-z_]{1,80}%|@[A-Z_]{1,80}@|__[A-Za-z0-9_]{1,80}__|#\{"
    r"|(?<!\$)\{[A-Za-z_.]{1,80}\}|^[A-Z0-9]+(?:_[A-Z0-9]+)+(?::|$)|^(?:IMAGE|NAME|PLACEHOLDER|TAG|TODO)(?::|$)"
)
#: Those, and the variables of shells and of make.
PLACEHOLDER = re.compile(rf"\$\{{|\$\(|\$[A-Za-z_]|{TEMPLATE.pattern}")
#: What opens and closes the templates that may hold white space.
_BRACES = (("{{", "}}"), ("{%", "%}"), ("<%", "%>"))


def template_end(text: str, start: int, end: int) -> int:
    """Where the word at `start` ends if it goes on, behind `end`, to the end of a template."""
    for opening, closing in _BRACES:
        first = text.find(opening, start, end)
        if first >= 0 and (last := text.find(closing, first)) >= 0:
            return max(end, last + len(closing))
    return end


def filled_in(span: Span, where: str, written: str, findings: tuple[Finding, ...] = ()) -> Occurrence:
    """A place that another program fills in."""
    message = "another program fills this in, so what is meant cannot be known"
    note = Finding(Level.NOTE, "unresolved-variable", message)
    return Occurrence(span, where, written, None, fixed=message, findings=(*findings, note))
