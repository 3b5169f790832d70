"""Texts with wildcards that are not of the alphabet of names: package URLs, licences."""


def matches_words(pattern: str, text: str) -> bool:
    """Whether a whole text fits a pattern, in which `*` is anything. Each part between asterisks is looked for once, in
    order, so no input makes it try again."""
    first, *others = pattern.split("*")
    if not others:
        return first == text
    if not text.startswith(first):
        return False
    at = len(first)
    for part in others[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(others[-1]) and len(text) - len(others[-1]) >= at
