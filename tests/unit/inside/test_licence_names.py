"""By which names of licences packages are found."""

import pytest

from orlop.domain.inside.licence_names import folded, licence_names


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ((), ()),
        (("MIT",), ("MIT",)),
        (("mit", "MIT"), ("MIT",)),
        (("(MIT OR Apache-2.0) AND BSD-3-Clause",), ("MIT", "Apache-2.0", "BSD-3-Clause")),
        (
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only"),
        ),
        (("Apache 2", " \n"), ("Apache 2",)),
        (("MIT and\tBSD",), ("MIT and BSD",)),
    ],
)
def test_the_names_of_what_a_package_declares(declared: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert licence_names(declared) == names


def test_names_are_bounded() -> None:
    assert licence_names(("x" * 100_000,)) == ("x" * 200,)
    assert len(licence_names([f"own {number}" for number in range(1_000)])) == 64


def test_neither_case_nor_spaces_matter() -> None:
    assert folded("  The Own\tLicence ") == "the own licence"
