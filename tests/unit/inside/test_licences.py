"""Which declared licences are SPDX expressions, and that none is made up."""

import pytest
from cyclonedx.spdx import is_supported_id
from license_expression import get_spdx_licensing

from orlop.domain.inside.licence_ids import EXCEPTIONS, LICENCES
from orlop.domain.inside.licences import joined, read_licence

LISTED = get_spdx_licensing()


@pytest.mark.parametrize(
    ("declared", "expression"),
    [
        ("MIT", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("GPL-2.0+", "GPL-2.0+"),
        ("EPL-2.0+", ""),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("( mit  OR 0bsd ) AND isc", "(MIT OR 0BSD) AND ISC"),
        ("GPL-2.0-only with Classpath-exception-2.0", ""),
        ("GPL-2.0-only WITH classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("LicenseRef-Own AND MIT", "LicenseRef-Own AND MIT"),
        ("DocumentRef-a:LicenseRef-b", ""),
        ("MIT and BSD", ""),
        ("MIT BSD", ""),
        ("MIT/Apache-2.0", ""),
        ("GPL-2+", ""),
        ("Apache 2", ""),
        ("ASL 2.0", ""),
        ("Expat", ""),
        ("MIT WITH Apache-2.0", ""),
        ("MIT WITH", ""),
        ("MIT AND", ""),
        ("AND MIT", ""),
        ("(MIT", ""),
        ("MIT)", ""),
        ("()", ""),
        ("MIT (ISC)", ""),
        ("(MIT OR ISC) WITH GCC-exception-3.1", ""),
        ("GPL-2.0-only WITH GCC-exception-2.0 WITH GCC-exception-3.1", ""),
        ("NONE", ""),
        ("NOASSERTION", ""),
        ("LicenseRef-", ""),
        ("LicenseRef-a_b", ""),
        ("(" * 17 + "MIT" + ")" * 17, ""),
        ("", ""),
    ],
)
def test_an_expression_is_told_from_words(declared: str, expression: str) -> None:
    read = read_licence(declared)
    assert (read.declared, read.expression) == (declared, expression)
    if expression:
        assert not LISTED.validate(expression.replace("LicenseRef-Own", "MIT")).errors
        assert read_licence(expression).expression == expression


def test_every_identifier_is_one_that_readers_know() -> None:
    licences, exceptions = LICENCES.split(), EXCEPTIONS.split()
    assert (len(licences), len(exceptions)) == (690, 79)
    assert [each for each in (*licences, *exceptions) if not is_supported_id(each)] == []
    assert [each for each in licences if LISTED.validate(each).errors] == []
    assert [each for each in exceptions if LISTED.validate(f"MIT WITH {each}").errors] == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("deb", "MIT AND (ISC OR 0BSD) AND Zlib"),
        ("maven", "MIT OR (ISC OR 0BSD) OR Zlib"),
        ("composer", "MIT OR (ISC OR 0BSD) OR Zlib"),
    ],
)
def test_several_licences_hold_together_unless_they_are_a_choice(kind: str, text: str) -> None:
    assert joined(kind, ["MIT", "ISC OR 0BSD", "Zlib"]) == text
    assert joined(kind, ["ISC OR 0BSD"]) == "ISC OR 0BSD"
    assert joined(kind, []) == ""
