"""Files are read as the programs read them that they are for: on samples, on generated files, on files of theirs."""

import random

import pytest

from orlop.domain.errors import RegistryError
from orlop.domain.references import parse_image_reference
from orlop.services.references import dotenv
from orlop.services.references.lint import Examined, lint
from orlop.services.references.occurrences import Format, SourceInvalid
from orlop.services.references.pin import Source, pin
from orlop.services.references.shell import expand_word
from orlop.services.references.variables import Expansion, Fragment
from tests.clients.reading import SOURCES, Answer, ask
from tests.needs import lack
from tests.unit.references import dockerfiles
from tests.unit.references.resolving import Answers

pytestmark = pytest.mark.slow  # programs in Go read the same files

#: What words are made of: everything that means something to the lexer, and a little that does not.
_WORDS = (
    *("a", "b", "1", ".", "-", ":", "/", "*", "?", "v", "x.y", "'", '"', "\\", "`", "$", "{", "}", "#", "%", "<", "+"),
    *(
        "$A",
        "${A}",
        "${B",
        "${A:-",
        "${N:-",
        "${N-",
        "${E:-",
        "${E-",
        "${A:+",
        "${N+",
        "${A#",
        "${A##",
        "${A%",
        "${A%%",
    ),
    *("${A/", "${A//", "${A?", "${N:?", "${A^", "$1", "$@", "${é}", "${A:", "}", "}", "}", "*}", "/x}"),
)
_VARIABLES = {"A": "v1.2/x.y:a-b", "B": "*x?", "E": "", "C": "a.b.c"}


def _word(text: str, escape: str) -> Expansion | None:
    def value(name: str) -> Expansion | None:
        given = _VARIABLES.get(name)
        return None if given is None else Expansion(Fragment(given, range(len(given))), (), ())

    return expand_word(Fragment(text, range(len(text))), value, escape)


def test_words_become_what_they_become_in_buildkit() -> None:
    draw = random.Random(7)
    texts = [
        ("".join(draw.choices(_WORDS, k=draw.randint(1, 7))), draw.choice(("\\", "\\", "`"))) for _ in range(8_000)
    ]
    answers = ask("word", [{"text": text, "escape": escape, "variables": _VARIABLES} for text, escape in texts])
    taken = 0
    for (text, escape), answer in zip(texts, answers, strict=True):
        ours = _word(text, escape)
        if answer.error:
            # A variable that has to be set is one without a value, not a mistake.
            assert ours is None or ours.missing or "invalid pattern" in answer.error, (text, escape, answer)
            continue
        if ours is None and "//" in text:
            continue
        assert ours is not None, (text, escape, answer)
        assert ours.fragment.text == answer.word, (text, escape, answer)
        assert set(ours.missing) <= set(answer.unmatched), (text, escape, answer)
        taken += 1
    assert taken > 2_000


_BASES = ("a", "b:1", "quay.io/x/y", "q.io:5/z@sha256:" + "5e" * 32, "build", "test", "Build", "scratch", "a b", "")
_ARGUMENTS = (
    "x/y:1",
    "alpine",
    '"a:2"',
    "'c'",
    "$A",
    "${B:-b:3}",
    "x/y:${T}",
    "${A%:*}:9",
    "",
    "\\$A",
    '"x y"',
    "${T-}",
)
_PLACES = (
    "$A",
    "${A}",
    "${B:-z:9}",
    "${C}",
    "$A$T",
    "x:$T",
    "${T:-q}",
    "${A:+w:1}",
    "${N:-n:1}",
    "a:${V#v}",
    "a-$TARGETARCH",
)
_FROMS = ("a:1", "build", "0", "1", "7", "-1", "$A", "BUILD", "'b:2'", '"c"', "x\\y", "scratch", "later")
_FILLING = (
    "RUN true",
    "# FROM z",
    "RUN a \\\n  && b",
    "",
    "ENV A=1",
    "RUN cat <<EOF\nFROM no\nEOF",
    "ARG A=no",
    "RUN x << 'E F'\nFROM no\nE F",
)


def _dockerfile(draw: random.Random) -> str:
    end = draw.choice(("\n", "\n", "\r\n"))
    lines = draw.sample(
        ("# escape=`", "# syntax=docker/dockerfile:1", "# what=ever", "#!/x", ""), draw.choice((0, 0, 0, 1, 2))
    )
    for _ in range(draw.randint(0, 3)):
        name = draw.choice("ABCTV")
        lines.append(
            f"ARG {name}"
            + draw.choice(
                ("", f"={draw.choice(_ARGUMENTS)}", f"={draw.choice(_ARGUMENTS)}", f"=v1 {draw.choice('AB')}=q")
            )
        )
    for _ in range(draw.randint(1, 3)):
        base = draw.choice((draw.choice(_BASES), draw.choice(_PLACES), f"'{draw.choice(_PLACES)}'"))
        space = draw.choice((" ", " ", "\t", " \\\n  ", " \\\n# no\n "))
        flag = draw.choice(("", "", "--platform=linux/amd64 ", "--platform=$BUILDPLATFORM "))
        lines.append(
            f"{draw.choice(('FROM', 'from'))}{space}{flag}{base}"
            + draw.choice(("", "", " AS build", " as Test", " AS later"))
        )
        for _ in range(draw.randint(0, 2)):
            source = draw.choice(_FROMS)
            lines.append(
                draw.choice(
                    (
                        draw.choice(_FILLING),
                        f"COPY --link --from={source} a b",
                        f"RUN --mount=target=/x,from={source} true",
                        f"RUN --mount='type=bind,from={source},target=/x' --network=none true",
                        f"ONBUILD COPY --from={source} a b",
                    )
                )
            )
    return end.join("\n".join(lines).split("\n")) + draw.choice(("", end))


def _understood(found: tuple[Examined, ...], leave: str) -> set[str]:
    return {str(one.reference) for one in found if one.reference and not one.occurrence.where.startswith(leave)}


def _agree(text: str, answer: Answer) -> bool:
    """Whether BuildKit took the text; fails where what it names is not what is found."""
    try:
        found = lint(text, Format.DOCKERFILE)
    except SourceInvalid:
        assert answer.error, text
        return False
    syntax = [one.occurrence.text for one in found if one.occurrence.where == "syntax"]
    assert syntax == ([answer.word] if answer.word else []), text
    rest = tuple(one for one in found if one.occurrence.where != "syntax")
    ours = _understood(rest, "ONBUILD")
    unknown = any(one.reference is None for one in rest)
    if answer.error:
        # What it had found until then is found, and where only a reference is wrong, one is.
        if "parse" in answer.error and "error on line" not in answer.error:
            assert unknown, (text, answer)
        return False
    theirs = set(answer.images)
    assert ours <= theirs, (text, answer, ours)
    # A stage runs what is ONBUILD in the one that it is built on.
    assert unknown or theirs <= {str(one.reference) for one in rest}, (text, answer, ours)
    codes = {finding.code for one in rest for finding in one.findings if not one.occurrence.where.startswith("ONBUILD")}
    # BuildKit happens to count images that are copied from among the stages.
    assert not codes & {"invalid-reference", "variable-not-expanded"}, (text, answer)
    assert "unknown-stage" not in codes or ours, (text, answer)
    return True


async def test_generated_dockerfiles_name_what_they_name_to_buildkit() -> None:
    draw = random.Random(11)
    texts = [_dockerfile(draw) for _ in range(1_500)]
    texts += [sample.text for sample in dockerfiles.SAMPLES]
    answers = ask("dockerfile", [{"text": text} for text in texts])
    taken = [(text, answer) for text, answer in zip(texts, answers, strict=True) if _agree(text, answer)]
    assert len(taken) > 250
    await _stay_the_same("dockerfile", Format.DOCKERFILE, [text for text, _ in taken], [one for _, one in taken])


async def _stay_the_same(kind: str, form: Format, texts: list[str], answers: list[Answer]) -> None:
    """Pinned texts name the same images to the program that they are for, some of them by digest."""
    pinned = [one.text for one in await pin([Source(text, form) for text in texts], Answers())]
    again = ask(kind, [{"text": text} for text in pinned])
    for text, before, after in zip(pinned, answers, again, strict=True):
        assert not after.error, (text, after)
        names = {name.partition("@")[0].removesuffix(":latest") for name in before.images}
        assert {name.partition("@")[0].removesuffix(":latest") for name in after.images} == names, (text, before, after)


def test_the_dockerfiles_of_buildkit_name_what_they_name_to_it() -> None:
    folder = SOURCES / "buildkit"
    if not folder.is_dir():
        lack("not installed: the sources of BuildKit")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.lower().endswith("dockerfile")]
    texts = [path.read_text() for path in files]
    assert len(texts) > 20
    answers = ask("dockerfile", [{"text": text} for text in texts])
    taken = sum(_agree(text, answer) for text, answer in zip(texts, answers, strict=True))
    assert taken > 10


_POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n{}"
_NAMES = ("app", "q.io/web", "db")
_TAGS = ("v1", "'1.25'", "16", "1.10", "v1@sha256:" + "5e" * 32, "''", "", "true")


def _kustomization(draw: random.Random) -> str:
    lines = ["resources:", "- manifests.yaml", draw.choice(("images:", "images:", "imageTags:"))]
    for name in draw.sample(_NAMES, draw.randint(1, 3)):
        keys = [f"name: {name}"]
        keys += draw.sample(
            (
                f"newTag: {draw.choice(_TAGS)}",
                f"newName: {draw.choice(('r.io/x', 'other', 'a/b'))}-{name.rpartition('/')[2]}",
                f"digest: {draw.choice(('', repr('sha256:' + '7d' * 32)))}",
            ),
            draw.randint(0, 3),
        )
        draw.shuffle(keys)
        lines.append("- " + "\n  ".join(keys))
    return "\n".join(lines) + "\n"


async def test_generated_kustomizations_put_in_what_kustomize_puts_in() -> None:
    draw = random.Random(13)
    manifests = _POD.format("".join(f"  - {{name: c{n}, image: '{name}:old'}}\n" for n, name in enumerate(_NAMES)))
    texts = [_kustomization(draw) for _ in range(100)]
    pinned = [one.text for one in await pin([Source(text, Format.KUSTOMIZE) for text in texts], Answers())]
    answers = ask("kustomize", [{"text": text, "manifests": manifests} for text in (*texts, *pinned)])
    taken = 0
    for text, change, before, after in zip(texts, pinned, answers, answers[len(texts) :], strict=False):
        found = lint(text, Format.KUSTOMIZE)
        refused = any(finding.code == "number-tag" for one in found for finding in one.findings)
        assert bool(before.error) == refused, (text, before)
        if refused:
            continue
        known = {one.occurrence.text for one in found if one.reference}
        assert known <= set(before.images), (text, before)
        assert len(known) + sum(one.reference is None for one in found) + sum(
            f"name: {name}\n" not in text for name in _NAMES
        ) == len(_NAMES), text
        again = {one.occurrence.text for one in lint(change, Format.KUSTOMIZE) if one.reference}
        assert again <= set(after.images), (change, after)
        assert all("@sha256:" in name for name in again), (change, after)
        assert {name.partition("@")[0] for name in after.images} == {name.partition("@")[0] for name in before.images}
        taken += 1
    assert taken > 30


_LINES = (
    *(
        "A=1",
        "export B=2 # x",
        "C = 'a b'",
        'D="x\\ty${A}"',
        "E: yaml",
        "F=${A:-9}-$B",
        "G='$A'",
        "H=",
        "# no",
        "",
        "I",
    ),
    *(
        "J=a#b",
        'K="q\\"q"',
        "L=${Z:-d}",
        "M='multi\nline'",
        "N=\\$A",
        "O=$$A",
        "P q=1",
        "Q='open",
        "R={x}",
        "S=${",
        "T=é",
    ),
    *('U="$A', "\tV=1\t", "W=' x '", "X.Y-Z=1", '1="\\0101"'),
)


def test_variables_of_a_file_are_what_they_are_to_compose() -> None:
    draw = random.Random(17)
    texts = [draw.choice(("\n", "\r\n")).join(draw.choices(_LINES, k=draw.randint(1, 6))) for _ in range(3_000)]
    taken = 0
    for text, answer in zip(texts, ask("dotenv", [{"text": text} for text in texts]), strict=True):
        try:
            ours = [f"{name}={value}" for name, value in dotenv.variables(text).items()]
        except SourceInvalid:
            assert answer.error, (text, answer)
            continue
        assert not answer.error, (text, answer, ours)
        # A name alone at the very end is a value without a name.
        assert sorted(ours) == [one for one in answer.images if not one.startswith("=")], text
        taken += 1
    assert taken > 1_000


_IMAGES = (
    "a:1",
    "q.io/x/y",
    "${V:-b:2}",
    "'${W}'",
    "a:${T-3}",
    "a:${T:-${E}}4",
    "x$$y",
    "'${V+z:1}'",
    '"quo/ted:1"',
    "${N}",
    "${T:?no}",
    "a:${E?}5",
    "&i c:1",
    "*i",
)
_INLINE = "|\n        FROM {} AS x\n        COPY --from={} a b\n        RUN echo $$HOME ${{T}}"
_ENVIRONMENT = {"W": "q.io/w:9", "T": "7", "E": ""}


def _compose(draw: random.Random) -> str:
    lines = ["x-i: &i d:1", "services:"]
    for name in "abc"[: draw.randint(1, 3)]:
        lines.append(f"  {name}:")
        lines += draw.sample(
            (
                f"    image: {draw.choice(_IMAGES)}",
                "    command: x",
                f"    volumes: [{{type: image, source: {draw.choice(_IMAGES)}, target: /x}}]",
            ),
            2,
        )
        plain = [image for image in _IMAGES if image[0] not in "&*'\""]
        parts = draw.sample(
            (
                "      context: .",
                f"      additional_contexts: {{x: 'docker-image://{draw.choice(plain)}', y: ../y}}",
                f"      additional_contexts:\n      - x=docker-image://{draw.choice(plain)}\n      - y=.",
                f"      cache_from: ['{draw.choice(plain)}', 'type=registry,ref={draw.choice(plain)}', type=gha]",
                f"      dockerfile_inline: {_INLINE.format(draw.choice(plain), draw.choice(plain))}",
            ),
            draw.randint(0, 2),
        )
        if parts and sum("additional_contexts" in part for part in parts) < 2:
            lines += ["    build:", *parts]
    return "\n".join(lines) + "\n"


def test_generated_compose_files_name_what_they_name_to_compose() -> None:
    draw = random.Random(19)
    texts = [_compose(draw) for _ in range(1_000)]
    answers = ask("compose", [{"text": text, "variables": _ENVIRONMENT} for text in texts])
    taken = 0
    for text, answer in zip(texts, answers, strict=True):
        if answer.error:
            continue
        found = lint(text, Format.COMPOSE, _ENVIRONMENT)
        ours = {str(one.reference) for one in found if one.reference}
        theirs = {str(parse_image_reference(name)) for name in answer.images if _valid(name)}
        assert ours <= theirs, (text, answer, ours)
        assert ours == theirs or any(one.reference is None for one in found), (text, answer, ours)
        taken += 1
    assert taken > 200


def _valid(name: str) -> bool:
    try:
        parse_image_reference(name)
    except RegistryError:
        return False
    return True


def test_the_files_of_compose_name_what_they_name_to_it() -> None:
    folder = SOURCES / "compose-go"
    if not folder.is_dir():
        lack("not installed: the sources of compose-go")
    texts = [path.read_text() for path in sorted(folder.rglob("*.y*ml")) if "testdata" in str(path)]
    taken = 0
    for text, answer in zip(texts, ask("compose", [{"text": text} for text in texts]), strict=True):
        if answer.error or not answer.images:
            continue
        found = {str(one.reference) for one in lint(text, Format.COMPOSE) if one.reference}
        assert found == {str(parse_image_reference(name)) for name in answer.images if _valid(name)}, text
        taken += 1
    assert taken > 5
