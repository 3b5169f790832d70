"""Hostile texts: each ends in an answer or a refusal, without unfolding, recursing or taking a square of time."""

import pytest

from orlop.services.references import dotenv
from orlop.services.references.lint import lint
from orlop.services.references.occurrences import MAX_OCCURRENCES, MAX_TEXT, Format, SourceInvalid
from orlop.services.references.variables import MAX_WORD
from orlop.services.references.yaml_tree import MAX_DEPTH, MAX_MERGES

pytestmark = pytest.mark.slow  # texts of megabytes

_LAUGHS = "a0: &a0 {containers: [{image: x}]}\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 60)
)

REFUSED = (
    ("too long", Format.DOCKERFILE, "#" * (MAX_TEXT + 1), "characters"),
    ("too many stages", Format.DOCKERFILE, "FROM a\n" * (MAX_OCCURRENCES + 1), "more than 10000"),
    ("too many mounts", Format.DOCKERFILE, "RUN --mount=from=a true\n" * (MAX_OCCURRENCES + 1), "more than 10000"),
    (
        "too many containers",
        Format.KUBERNETES,
        "containers:\n" + "- image: a\n" * (MAX_OCCURRENCES + 1),
        "more than 10000",
    ),
    (
        "arguments that double",
        Format.DOCKERFILE,
        "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(2_000)),
        "1000",
    ),
    ("too many nodes", Format.HELM, "- a\n" * 600_000, "YAML nodes"),
    ("too many aliases", Format.HELM, "a: &a b\nc: [" + "*a, " * 600_000 + "]", "YAML nodes"),
    ("deep flow", Format.KUBERNETES, "[" * 100_000, "deep"),
    ("deep maps", Format.HELM, "{a: " * 100_000, "deep"),
    ("deep blocks", Format.HELM, "- " * 100_000, "deep"),
    (
        "long chain of merges",
        Format.HELM,
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, MAX_MERGES + 2)),
        "merges",
    ),
    ("here-documents without end", Format.DOCKERFILE, "RUN " + "<<a " * 100_000 + "\n", "no end"),
)

READ = (
    ("laughs", Format.KUBERNETES, _LAUGHS, 1),
    ("laughs as values", Format.HELM, _LAUGHS, 1),
    ("a list that holds itself", Format.KUBERNETES, "a: &a [*a, {containers: [{image: x}]}]", 1),
    ("a map that merges itself", Format.HELM, "a: &a {<<: *a, image: x}", 1),
    ("maps that merge each other twice", Format.HELM,
     "a0: &a0 {image: x}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 8)), 1),
    ("a list shared by many", Format.KUBERNETES,
     "x: &x [" + "{image: a}, " * 2_000 + "]\ny:\n" + "- {containers: *x}\n" * 20_000, 2_000),
    ("a map shared by many", Format.COMPOSE,
     "x: &x {" + ", ".join(f"k{n}: 1" for n in range(20_000)) + "}\nservices:\n"
     + "".join(f"  s{n}: {{<<: *x, image: a}}\n" for n in range(5_000)), 5_000),
    ("a long word", Format.DOCKERFILE, "FROM " + "a" * 2_000_000, 1),
    ("a word of many lines", Format.DOCKERFILE, "FROM " + "a\\\n" * 500_000, 1),
    ("many flags", Format.DOCKERFILE, "RUN " + "--x " * 500_000, 0),
    ("many quotation marks", Format.DOCKERFILE, "RUN --mount=" + "\"'\\" * 500_000 + " <<x", 0),
    ("white space in a directive", Format.DOCKERFILE, "# syntax=a" + " " * 1_000_000 + "b", 1),
    ("patterns", Format.DOCKERFILE, "ARG A=" + "a" * 500 + "\n" + ("FROM ${A##" + "*a" * 500 + "b}\n") * 100, 100),
    ("replacements", Format.DOCKERFILE, "ARG A=" + "a" * 100 + "\n" + "FROM ${A//*a?b/c}\n" * 100, 100),
    ("names of variables that double", Format.DOCKERFILE,
     "".join(f"ARG A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(900)) + "FROM $A899\n", 1),
    ("a long Dockerfile within", Format.COMPOSE,
     "services: {a: {build: {dockerfile_inline: '" + "$" * 400_000 + "'}}}", 1),
    ("many Dockerfiles within", Format.COMPOSE,
     "services:\n" + "".join(f" a{n}:\n  build:\n   dockerfile_inline: |\n    FROM a\n" for n in range(500)), 500),
    ("templates", Format.DOCKERFILE, ("FROM " + "{{" * 1_000 + "\n") * 500, 500),
    ("deep variables", Format.DOCKERFILE, "FROM " + "${a:-" * (MAX_WORD // 5) + "\n", 1),
    ("a long scalar", Format.COMPOSE, "services: {a: {image: " + "x" * 2_000_000 + "}}", 1),
    ("a long line", Format.KUBERNETES, "{x: é, containers: [" + "{image: éa}, " * 9_000 + "]}", 9_000),
    ("as deep as is allowed", Format.HELM, "{a: " * (MAX_DEPTH - 1) + "{image: x}" + "}" * (MAX_DEPTH - 1), 1),
)  # fmt: skip


@pytest.mark.parametrize(("form", "text", "message"), [pytest.param(*one[1:], id=one[0]) for one in REFUSED])
def test_what_is_too_much_is_refused(form: Format, text: str, message: str) -> None:
    with pytest.raises(SourceInvalid, match=message):
        lint(text, form)


@pytest.mark.parametrize(("form", "text", "number"), [pytest.param(*one[1:], id=one[0]) for one in READ])
def test_what_only_looks_like_much_is_read(form: Format, text: str, number: int) -> None:
    assert len(lint(text, form)) == number


_VARIABLES = (
    ("lines", "A=1\n" * 1_000_000, "more than 5000"),
    ("values", "A=1\n" + "".join(f"A{n}=${{A{n - 1}}}$A${{A{n - 1}}}\n" for n in range(1, 100)), "too long"),
    ("escapes", "\nA='" + "\\" * 1_000_000, "not closed"),
)


@pytest.mark.parametrize(("text", "message"), [pytest.param(*one[1:], id=one[0]) for one in _VARIABLES])
def test_variables_that_are_too_much_are_refused(text: str, message: str) -> None:
    with pytest.raises(SourceInvalid, match=message):
        dotenv.variables(text.replace("A0}", "A}"))
