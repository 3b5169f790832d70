"""Where pages of promotions are."""

from urllib.parse import quote, urlencode


def board_address(name: str, path: str, last: str = "") -> str:
    """The board of a pipeline, by its name and place; `last`: behind that image."""
    said = {key: value for key, value in (("path", path), ("last", last)) if value}
    return f"/boards/{quote(name, safe='')}" + (f"?{urlencode(said)}" if said else "")


def board_image_address(name: str, path: str, image: str) -> str:
    """One image of a board, by its name below the stages."""
    said = {key: value for key, value in (("path", path), ("image", image)) if value}
    return f"/boards/{quote(name, safe='')}/image?{urlencode(said)}"


def promotions_address(pipeline: str, path: str) -> str:
    """Those along a pipeline."""
    said = {key: value for key, value in (("pipeline", pipeline), ("path", path)) if value}
    return f"/promotions?{urlencode(said)}"


def bundle_address(name: str, path: str) -> str:
    """A bundle, by its name and place."""
    return f"/bundles/{quote(name, safe='')}?{urlencode({'path': path})}"


def promotion_address(number: int) -> str:
    """One promotion."""
    return f"/promotions/{number}"
