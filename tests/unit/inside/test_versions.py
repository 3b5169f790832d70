"""Orders of versions: pairs and their order as those say who define them, and beside their programs where they are."""

import random
import subprocess
import time
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from orlop.domain.inside.versions import order, order_of
from orlop.domain.inside.versions.order import VersionOrder, VersionUnordered
from tests.needs import CLIENTS, find, lack, need

#: Each version comes before all that follow it.
ASCENDING = [
    # Debian Policy 5.6.12 and deb-version(7).
    ("Debian:12", "1~~ 1~~a 1~ 1 1+b1 1.0-1~bpo1 1.0-1 1.0-1+b1 1.0-1+deb12u1 1.0-2 1.0.1-1 1:0.1-1"),
    ("Debian:12", "1.0~rc1-1 1.0-0~ 1.0-0 1.0-0a 1.0-0+ 1.0a-1 1.0+-1 1.10-1"),
    ("Ubuntu:22.04:LTS", "3.0.2-0ubuntu1 3.0.2-0ubuntu1.1 3.0.2-0ubuntu1.9 3.0.2-0ubuntu1.10"),
    # rpm, tests/rpmvercmp.at.
    ("Red Hat:enterprise_linux:9::baseos", "1.0~rc1~git123 1.0~rc1 1.0~rc1^git1 1.0~rc2 1.0 1.0^ 1.0^git1 1.0^git2"),
    ("AlmaLinux:9", "1.0 1.0^git1 1.01 10.0001 10.0039 2:1.0"),
    ("AlmaLinux:9", "xyz.4 2 5.5p1 5.5p2 5.5p10 5.6p1 6.0 6.0.rc1 6.5p1 10a2 10b2 10xyz 10.1xyz 20101121 20101122"),
    ("Rocky Linux:9", "1b.fc17 1.fc17 1g.fc17"),
    ("Rocky Linux:9", "1.0^20160101 1.0^20160101^git1 1.0^20160102 1.0.1-1 1.0.1-2.el9 1.0.1-2.el9_3 1:0.1-1"),
    # apk-tools, test/unit/version.data.
    ("Alpine:v3.19", "0.1.0_alpha_pre2 0.1.0_alpha 0.1.0_alpha2 0.1.3_alpha 0.13_beta1 0.13_beta2 0.59s-r11 0.65"),
    (
        "Alpine:v3.19",
        "1.0 1.0.2 1.00_beta2 1.02 1.03-r1 1.06-r6 1.07-r1 1.07.5 1.1_alpha1 1.1 1.2.12.04 1.2.12.05 1.3.3",
    ),
    (
        "Wolfi",
        "1.8.5 1.8.5_p2 1.8.6 2.9.11_pre20051101 2.9.11_pre20051101-r3 2.9.11 3.81 5.1_p4 5.7-r3 6.0 6.0_p1 20040401",
    ),
    # PEP 440, "Summary of permitted suffixes and relative ordering".
    (
        "PyPI",
        "1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0rc1",
    ),
    ("PyPI", "1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 1!0.1"),
    # semver.org, section 11, and node-semver, test/fixtures/comparisons.js.
    ("npm", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1"),
    (
        "npm",
        "1.2.3-4 1.2.3-5 1.2.3-4-foo 1.2.3-5-Foo 1.2.3-5-foo 1.2.3-R2 1.2.3-a 1.2.3-a.5 1.2.3-a.10 1.2.3-a.b 1.2.3",
    ),
    ("crates.io", "0.0.0-0 0.0.0 0.1.0-alpha.1 0.1.0 0.99.0"),
    # go.dev/ref/mod, "Pseudo-versions", and releases of Go as programs are marked with them.
    (
        "Go",
        "v0.0.0-20200101000000-abcdefabcdef 0.0.0-20210101000000-000000000000 0 v1.2.2 v1.2.3-0.20210101000000-ab",
    ),
    ("Go", "v1.2.3-pre v1.2.3-pre.0.20210101000000-abcdefabcdef v1.2.3 v2.0.0+incompatible v2.0.1"),
    ("Go", "1.21.0-0 go1.21beta1 go1.21rc2 go1.21rc10 go1.21.0 go1.21.5 go1.21.13"),
    # maven-artifact, ComparableVersionTest, and the POM reference.
    (
        "Maven",
        "1-alpha2snapshot 1-alpha2 1-alpha-123 1-beta-2 1-beta123 1-m2 1-m11 1-rc 1-cr2 1-rc123 1-SNAPSHOT 1 1-sp",
    ),
    ("Maven", "1-sp2 1-sp123 1-abc 1-def 1-pom-1 1-1-snapshot 1-1 1-2 1-123"),
    (
        "Maven",
        "2.0 2.0.a 2-1 2.0.2 2.0.123 2.1.0 2.1-a 2.1b 2.1-c 2.1-1 2.1.0.1 2.2 2.123 11.a2 11.b2 11.m11 11 11.a 11b",
    ),
    ("Maven", "20190126.230843 1234567890.12345 123456789012345.1H.5-beta 12345678901234567890.1H.5-beta"),
    ("Maven", "2.0-beta9 2.14.1 2.15.0 2.17.0"),
    # rubygems, test_gem_version.rb.
    ("RubyGems", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"),
    ("RubyGems", "0.9.a 0.9.b 0.9 1.8.2.a 1.8.2.a9 1.8.2.a10 1.8.2.b 1.8.2 1.9.3"),
    # Composer, "Versions and constraints", and PHP's version_compare.
    ("Packagist", "1.0.0-dev 1.0.0-alpha1 1.0.0-beta1 1.0.0-RC1 1.0.0-RC2 1.0.0 1.0.0-p1 1.0.1 1.10.0 1.x-dev 2.0.0"),
    # NuGet.Versioning, VersionComparerTests.
    (
        "NuGet",
        "1.0.0-BETA 1.0.0-beta.1 1.0.0-BETA.X.y.5.77.0 1.0.0-beta.x.y.5.790.0 1.0.0 1.0.0.1 1.0.1",
    ),
    # conda, tests/models/test_version.py.
    (
        "Conda",
        "0.4 0.4.1.rc 0.4.1 0.5a1 0.5b3 0.5C1 0.5z 0.5za 0.5 0.5_5 0.9.6 0.960923 1.0 1.0.4a3 1.0.4b1 1.0.4 1.1dev1",
    ),
    (
        "Conda",
        "1.1_ 1.1a1 1.1.dev1 1.1.a1 1.1 1.1.post1 1.1.1dev1 1.1.1rc1 1.1.1 1.1.1post1 1.1post1 2g6 2.0b1pr0 1!0.4.1",
    ),
]

#: All of a line are the same version.
SAME = [
    ("Debian:12", "1.0 1.0-0 0:1.0 01.00"),
    ("Debian:12", "0:0-0 0-0 0"),
    ("AlmaLinux:9", "2.0 2_0 2.0. 0:2.0"),
    ("AlmaLinux:9", "10.0001-1 10.1-1 10.1-01"),
    ("AlmaLinux:9", "1:2.0-1 :2.0-1 1:2.0"),  # an epoch or a release that is not known is not compared
    ("Alpine:v3.19", "0.1.0_alpha 0.1.0_alpha"),
    ("PyPI", "3.2 3.2.0 v3.2 3.2.0.0"),
    ("PyPI", "1.0rc1 1.0-RC1 1.0.c.1 1.0_preview_1 1.0pre1"),
    ("PyPI", "1.0.post0 1.0-0 1.0-r0 1.0.rev"),
    ("PyPI", "1.0+ubuntu-1 1.0+ubuntu.1 1.0+Ubuntu_1"),
    ("npm", "1.2.3 v1.2.3 =1.2.3 1.2.3+build 1.2.3+other"),
    ("Go", "1.21 go1.21 1.21.0 v1.21.0"),
    ("Go", "1.21.0-rc.2 go1.21rc2"),
    ("Go", "go1.21.5 1.21.5"),
    ("Maven", "1 1.0 1.0.0 1-0 1.0-0 1.ga 1-final 1.RELEASE 1. 1- 01"),
    ("Maven", "1-a 1a 1.0-a 1.0.0a"),
    ("Maven", "1-alpha-1 1a1 1-ALPHA1 1.0.0-alpha1"),
    ("Maven", "1cr 1rc 1-CR"),
    ("RubyGems", "1.2 1.2.0 1.2.0.0"),
    ("RubyGems", "1.2.b1 1.2.b.1 1.2.0.b1"),
    ("Packagist", "1.0 v1.0.0 1.0.0.0 1.0.0+build 1.0.0@stable 1.0.0- 1.0."),
    ("Packagist", "1.0.0-b2 1.0.0beta2 1.0.0.beta.2"),
    ("NuGet", "1.0 1.0.0 1.0.0.0 1.0+meta"),
    ("NuGet", "1.0.01-BETA 1.0.1-beta 1.0.1.0-Beta+x"),
    ("Conda", "0.4 0.4.0 0.4-0"),
]

UNORDERED = [
    ("Debian:12", ["", "a:1", "1 2", "1_2", "-1", "1" * 257, "é"]),
    ("AlmaLinux:9", ["", "a:1-1", "-1"]),
    ("Alpine:v3.19", ["0.1bc", "0.1a1", "0.1_foobar", "0.1-r2-r3", "0.1-r", "a", ".1", "0.1_", "0.1_pre2~"]),
    ("PyPI", ["", "latest", "1.0-bulbasaur", "1..0", "1.0+"]),
    ("npm", ["latest", "1..2", "1.2.x", "*"]),
    ("Go", ["(devel)", "devel go1.22-abc", "master", "v1.x"]),
    ("RubyGems", ["junk", "1.2,3", "1beta"]),
    ("Packagist", ["dev-master", "1.0.0-meh", "1.0.0.0.0", "feature-foo", "1.0.1-SNAPSHOT"]),
    ("NuGet", ["1.0.0.0.0", "beta", "1.0-"]),
    ("Conda", ["3.5&1", "5.5++", "5.5..mw", "a!1.0", "a!b!1.0"]),
]


def _order(ecosystem: str) -> VersionOrder:
    found = order(ecosystem)
    assert found is not None
    return found


@pytest.mark.parametrize(("ecosystem", "versions"), ASCENDING)
def test_versions_have_the_order_of_their_ecosystem(ecosystem: str, versions: str) -> None:
    by = _order(ecosystem)
    for one, other in combinations(versions.split(), 2):
        assert by.compare(one, other) < 0, (one, other)
        assert by.compare(other, one) > 0, (other, one)


@pytest.mark.parametrize(("ecosystem", "versions"), SAME)
def test_other_spellings_are_the_same_version(ecosystem: str, versions: str) -> None:
    by = _order(ecosystem)
    for one, other in combinations(versions.split(), 2):
        assert by.compare(one, other) == 0, (one, other)


@pytest.mark.parametrize(("ecosystem", "versions"), UNORDERED)
def test_what_is_no_version_is_told(ecosystem: str, versions: list[str]) -> None:
    by = _order(ecosystem)
    for each in versions:
        with pytest.raises(VersionUnordered):
            by.parse(each)


def test_an_ecosystem_or_a_type_that_is_not_known_has_no_order() -> None:
    assert order("CRAN") is None
    assert order_of("cran") is None


ECOSYSTEMS = ["Debian", "AlmaLinux", "Alpine", "PyPI", "npm", "Go", "Maven", "RubyGems", "Packagist", "NuGet", "Conda"]
_TEXT = st.text("0129.-_~^:+!*abmrcdevpostlh vV", max_size=24) | st.text(max_size=300)


@given(st.sampled_from(ECOSYSTEMS), _TEXT, _TEXT)
def test_any_text_is_ordered_or_told(ecosystem: str, one: str, other: str) -> None:
    by = _order(ecosystem)
    try:
        way = by.compare(one, other)
    except VersionUnordered:
        return
    assert way in (-1, 0, 1)
    assert by.compare(other, one) == -way
    assert by.compare(one, one) == 0


# --- Beside the programs that define them --------------------------------------------------------------------------


def _pairs(letters: str, number: int) -> list[tuple[str, str]]:
    """Pairs that differ little, the same in every run."""
    chance = random.Random(11)

    def text(most: int) -> str:
        return "".join(chance.choice(letters) for _ in range(chance.randint(1, most)))

    pairs = []
    for _ in range(number):
        one = "1" + text(8)
        pairs.append((one, "1" + text(8) if chance.random() < 0.5 else one + text(2)))
    return pairs


def test_debian_versions_as_dpkg_compares_them() -> None:
    dpkg = need("dpkg")["dpkg"]
    by, compared = _order("Debian"), 0
    for one, other in _pairs("0129.+~-az", 150):
        said = {
            sign: subprocess.run([dpkg, "--compare-versions", one, sign, other], capture_output=True, check=False)
            for sign in ("lt", "eq", "gt")
        }
        if any(each.stderr for each in said.values()):
            continue  # dpkg calls one of them no version
        compared += 1
        way = by.compare(one, other)
        assert said[("eq", "gt", "lt")[way]].returncode == 0, (one, other, way)
    assert compared > 50


def test_rpm_versions_as_rpm_compares_them() -> None:
    rpm = need("rpm")["rpm"]
    pairs = [(f"{one}-1", f"{other}-1") for one, other in _pairs("0129.+~^az_", 500)]
    script = "".join(f'print(rpm.vercmp("{one}", "{other}") .. " ") ' for one, other in pairs)
    said = subprocess.run([rpm, "--eval", f"%{{lua: {script}}}"], capture_output=True, text=True, check=True)
    by = _order("Red Hat")
    assert [by.compare(*pair) for pair in pairs] == [int(each) for each in said.stdout.split()]


def test_python_versions_as_packaging_compares_them() -> None:
    by, compared = _order("PyPI"), 0
    chance = random.Random(5)
    words = ["a", "b", "rc", "c", "alpha", "dev", ".dev", ".post", "post", "rev", "r", "pre", "preview"]
    parts = [*words, "0", "1", "2", "10", ".", ".", "-", "_", "+", "+ab", "!", "v"]
    for _ in range(3000):
        texts = ["1" + "".join(chance.choice(parts) for _ in range(chance.randint(0, 6))) for _ in range(2)]
        theirs = [_packaged(each) for each in texts]
        for text, version in zip(texts, theirs, strict=True):
            if version is None:
                with pytest.raises(VersionUnordered):
                    by.parse(text)
        if theirs[0] is not None and theirs[1] is not None:
            compared += 1
            assert by.compare(*texts) == (theirs[0] > theirs[1]) - (theirs[0] < theirs[1]), texts
    assert compared > 200


#: Prints how npm's semver orders the pairs that it reads, and 9 where one of them is no version.
_SEMVER = """
const semver = require(process.argv[1]);
const pairs = require("fs").readFileSync(0, "utf8").trim().split("\\n").map(line => line.split(" "));
const way = ([one, other]) => semver.valid(one) && semver.valid(other) ? semver.compare(one, other) : 9;
console.log(pairs.map(way).join(" "));
"""


def test_npm_versions_as_semver_compares_them() -> None:
    programs = need("node", "npm")
    semver = Path(programs["npm"]).resolve().parents[1] / "node_modules" / "semver"
    if not semver.is_dir():
        lack("npm has no semver beside it")
    pairs = _made_of("npm", ["-rc", "-alpha", "-", ".", "0", "1", "2", "10", "x", "+", "beta", "A"], 2000)
    given = "".join(f"{one} {other}\n" for one, other in pairs)
    command = [programs["node"], "-e", _SEMVER, str(semver)]
    said = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.split()
    by, compared = _order("npm"), 0
    for pair, way in zip(pairs, map(int, said), strict=True):
        if way != 9:
            compared += 1
            assert by.compare(*pair) == way, pair
    assert compared > 500


#: Prints how maven-artifact orders the pairs that it reads.
_COMPARE = """
import java.util.Scanner;
import org.apache.maven.artifact.versioning.ComparableVersion;

public class Compare {
    public static void main(String[] args) {
        Scanner read = new Scanner(System.in);
        StringBuilder said = new StringBuilder();
        while (read.hasNext()) {
            ComparableVersion one = new ComparableVersion(read.next());
            said.append(Integer.signum(one.compareTo(new ComparableVersion(read.next())))).append(' ');
        }
        System.out.println(said);
    }
}
"""


@pytest.mark.slow
def test_maven_versions_as_maven_4_compares_them(tmp_path: Path) -> None:
    java = need("java")["java"]
    archives = sorted((CLIENTS / "jib").glob("maven-artifact-4*.jar"))
    if not archives:
        lack("maven-artifact is not beside jib")
    (tmp_path / "Compare.java").write_text(_COMPARE)
    words = [".", "-", "0", "1", "2", "10", "a", "b", "alpha", "beta", "rc", "sp", "ga", "final", "snapshot", "foo"]
    pairs = _made_of("Maven", words, 3000)
    given = "".join(f"{one} {other}\n" for one, other in pairs)
    command = [java, "-cp", str(archives[-1]), str(tmp_path / "Compare.java")]
    said = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.split()
    by = _order("Maven")
    assert [pair for pair, way in zip(pairs, map(int, said), strict=True) if by.compare(*pair) != way] == []


#: Prints how RubyGems orders the pairs that it reads, and 9 where one of them is no version.
_GEM = """
require "rubygems"
puts STDIN.read.lines.map { |line|
  one, other = line.split
  next 9 unless Gem::Version.correct?(one) && Gem::Version.correct?(other)
  Gem::Version.new(one) <=> Gem::Version.new(other)
}.join(" ")
"""


def test_gem_versions_as_rubygems_compares_them() -> None:
    ruby = need("ruby")["ruby"]
    parts = ["-", ".", ".", "0", "1", "2", "10", "a", "b", "rc", "pre", ".a", ".rc1", "-alpha", "A"]
    said = _said([ruby, "-e", _GEM], pairs := _made_of("RubyGems", parts, 3000))
    _beside("RubyGems", pairs, said, least=500)


#: Prints how Composer orders the pairs that it reads, and 9 where one of them is none, or a branch without a number.
_COMPOSER = r"""
require $argv[1];
$parser = new Composer\Semver\VersionParser();
$said = [];
foreach (file("php://stdin", FILE_IGNORE_NEW_LINES) as $line) {
    try {
        [$one, $other] = array_map(fn($each) => $parser->normalize($each), explode(" ", $line));
        $branch = str_starts_with($one, "dev-") || str_starts_with($other, "dev-");
        $said[] = $branch ? 9 : version_compare($one, $other);
    } catch (UnexpectedValueException $none) {
        $said[] = 9;
    }
}
echo implode(" ", $said);
"""


def test_composer_versions_as_composer_compares_them() -> None:
    php = need("php")["php"]
    if not (library := Path("/usr/share/php/Composer/Semver/autoload.php")).is_file():
        lack("not installed: php-composer-semver")
    parts = [
        "-",
        ".",
        "0",
        "1",
        "2",
        "10",
        "-alpha",
        "-beta",
        "b2",
        "-RC",
        "rc1",
        "-p1",
        "pl",
        "-dev",
        "+build",
        "@dev",
    ]
    said = _said([php, "-r", _COMPOSER, "--", str(library)], pairs := _made_of("Packagist", parts, 3000))
    _beside("Packagist", pairs, said, least=500)


def test_alpine_versions_as_apk_compares_them() -> None:
    """Debian has no apk-tools: where they are is a machine of Alpine, or one that somebody put them on."""
    apk = find("apk")
    if apk is None:
        pytest.skip("not installed: apk, which Debian does not have")
    parts = [".1", ".01", ".10", "a", "b", "_alpha", "_rc2", "_p1", "_pre", "_git20240101", "-r0", "-r10", "0", "9"]
    pairs = _made_of("Alpine", parts, 200)
    said = [
        {"<": -1, "=": 0, ">": 1}.get(_run([apk, "version", "-t", one, other]).strip(), 9)
        if not _run([apk, "version", "-c", one, other]).strip()
        else 9
        for one, other in pairs
    ]
    _beside("Alpine", pairs, said, least=30)


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _said(command: list[str], pairs: list[tuple[str, str]]) -> list[int]:
    """What a program says that reads pairs, a line each."""
    given = "".join(f"{one} {other}\n" for one, other in pairs)
    said = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.split()
    return [int(each) for each in said]


def _beside(ecosystem: str, pairs: list[tuple[str, str]], said: list[int], *, least: int) -> None:
    """Every pair has the order that a program says; what one of them calls no version the other does."""
    by, compared = _order(ecosystem), 0
    wrong = []
    for pair, way in zip(pairs, said, strict=True):
        try:
            ours = by.compare(*pair)
        except VersionUnordered:
            ours = 9
        compared += way != 9
        if ours != way:
            wrong.append((pair, way, ours))
    assert wrong == []
    assert compared > least


def _made_of(seed: str, parts: list[str], number: int) -> list[tuple[str, str]]:
    """Pairs of versions of three numbers and some parts, the same in every run; half of them differ by parts alone."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(number):
        begin = ".".join(str(chance.randint(0, 12)) for _ in range(3))
        other = begin if chance.random() < 0.5 else ".".join(str(chance.randint(0, 12)) for _ in range(3))
        ends = ("".join(chance.choice(parts) for _ in range(chance.randint(0, 5))) for _ in range(2))
        pairs.append((begin + next(ends), other + next(ends)))
    return pairs


def _packaged(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
def test_hostile_versions_take_no_time(ecosystem: str) -> None:
    """No expression tries ever more ways to read the same digits."""
    by = _order(ecosystem)
    begun = time.process_time()
    for body in (
        "1" * 240,
        "1.0.0-beta" + "1" * 240,
        "1a" * 120,
        "1.0-" + "a." * 120,
        "_p1" * 80,
        "1-" * 120,
        " " * 250,
    ):
        for tail in ("", "!x"):
            try:
                by.parse(body[:250] + tail)
            except VersionUnordered:
                continue
    assert time.process_time() - begun < 60
