"""Every parser against random bytes: `python -m tests.fuzz [NAME] [libFuzzer options]`, without a name each in turn.

A parser may refuse what it reads, in its own words and soon. Anything else that comes out of it is a finding; libFuzzer
then leaves the bytes in a file and tells its name.
"""

import subprocess
import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["orlop"]):
    from orlop.adapters.upstream.challenge import parse_challenges
    from orlop.config import ConfigurationInvalid, units
    from orlop.domain.digest import Digest
    from orlop.domain.errors import RegistryError
    from orlop.domain.manifest import parse_index_entries, parse_manifest
    from orlop.domain.media_types import accepts
    from orlop.domain.names import RepositoryName, parse_reference
    from orlop.domain.pages import page_size
    from orlop.domain.ranges import parse_range
    from orlop.domain.references import parse_image_reference
    from orlop.faces.distribution.request import parse_request
    from orlop.services.references import compose, dockerfile, helm, kubernetes

#: Seconds for each parser where no option says otherwise.
SECONDS = 30
#: What a parser may answer with instead of a result.
REFUSALS = (RegistryError, ConfigurationInvalid)

Parser = Callable[[bytes], object]


def text(parse: Callable[[str], object]) -> Parser:
    """A parser of text, fed with what a header, a path or a file may hold."""
    return lambda given: parse(given.decode("utf-8", "replace"))


def manifest(given: bytes) -> object:
    """The first line is the Content-Type."""
    content_type, _, content = given.partition(b"\n")
    return parse_manifest(content, content_type.decode("latin-1"))


def request(given: bytes) -> object:
    """Method, path and query, each on a line."""
    method, path, query, *_ = [*given.decode("latin-1").split("\n"), "", "", ""]
    return parse_request(method, f"/v2/{path}", query)


PARSERS: dict[str, Parser] = {
    "manifest": manifest,
    "index": parse_index_entries,
    "request": request,
    "name": text(RepositoryName),
    "reference": text(parse_reference),
    "digest": text(Digest),
    "image-reference": text(parse_image_reference),
    "accept": text(lambda accept: accepts(accept, "application/vnd.oci.image.manifest.v1+json")),
    "range": text(lambda header: parse_range(header, 1000)),
    "page": text(page_size),
    "challenge": text(lambda header: parse_challenges([header])),
    "duration": text(units.duration),
    "size": text(units.size),
    "address": text(units.address),
    "dockerfile": text(lambda file: list(dockerfile.find(file))),
    "compose": text(lambda file: list(compose.find(file))),
    "helm": text(lambda file: list(helm.find(file))),
    "kubernetes": text(lambda file: list(kubernetes.find(file))),
}


def fuzz(parse: Parser, options: list[str]) -> None:
    """Fuzz one parser; ends the process."""

    def once(given: bytes) -> None:
        try:
            parse(given)
        except REFUSALS:
            return

    atheris.Setup([sys.argv[0], "-timeout=5", "-rss_limit_mb=1024", f"-max_total_time={SECONDS}", *options], once)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz the named parser, or start this program for each of them."""
    if arguments and not arguments[0].startswith("-"):
        fuzz(PARSERS[arguments[0]], arguments[1:])
    ended = {
        name: subprocess.run([sys.executable, "-m", "tests.fuzz", name, *arguments], check=False).returncode
        for name in PARSERS
    }
    failed = [name for name, code in ended.items() if code]
    print(f"{len(ended)} parsers, {', '.join(failed) or 'none'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
