"""Numbers of things, as sentences say them."""


def counted(number: int, what: str) -> str:
    """`1 tag`, `2 tags`; `1 repository`, `2 repositories`."""
    if number == 1:
        return f"1 {what}"
    plural = f"{what[:-1]}ies" if what.endswith("y") and what[-2:-1] not in "aeiou" else f"{what}s"
    return f"{number} {plural}"
