"""Package URLs of Go modules, which syft and Orlop spell apart."""


def as_module(url: str) -> str:
    """What syft writes of a module whose path has more than three parts, as Orlop does: the whole path is the name.

    "The subpath is used to point to a subpath inside a package" (purl-spec, golang): a module is a package of its own,
    with versions of its own, wherever it lies in a repository.
    """
    if not url.startswith("pkg:golang/"):
        return url
    before, _, below = url.partition("#")
    path, _, version = before.partition("@")
    return f"{path}/{below}@{version}" if below else before
