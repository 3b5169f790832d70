"""The pages of images, charts and models over the wire: what they say, and that hostile text stays text."""

import json
from urllib.parse import quote

import pytest

from tests.content import Pushable, artifact, blob, image, index
from tests.packaged import attested, chart, configured, model
from tests.ui.site import HOSTILE, Site

pytestmark = pytest.mark.slow

#: Where the content of these tests is.
SHOWN = "team/shown"
_README = f"""# Serves {HOSTILE}

[a](javascript:alert(1)) [b](https://elsewhere.example/x "t") [c](data:text/html,x) [d](/account) [e](//evil.example)
![spy](https://spy.example/pixel.png) <iframe src="https://evil.example"></iframe> <style>* {{ display: none }}</style>

| a | b |
|:--|--:|
| 1 | {HOSTILE.replace("|", "")} |
"""
RUN = {
    "os": "linux",
    "architecture": "amd64",
    "created": "2026-03-14T09:26:53Z",
    "author": HOSTILE,
    "config": {
        "Env": ["PATH=/usr/bin", f"HOSTILE={HOSTILE}"],
        "Entrypoint": ["/app", HOSTILE],
        "Cmd": ["serve"],
        "User": "1000",
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {"maintainer": HOSTILE, HOSTILE: "key"},
    },
    "history": [
        {"created_by": "ADD rootfs.tar.gz / # buildkit"},
        {"created_by": f"ENV HOSTILE={HOSTILE}", "empty_layer": True},
        {"created_by": "RUN /bin/sh -c apt-get install -y curl # buildkit"},
        {"created_by": f"COPY app /app # {HOSTILE}"},
    ],
}
#: What the tests open, in the repository above.
CONTENT: dict[str, Pushable] = {
    "1.0": configured("app", RUN, ["base", "curl", "app"], {"org.opencontainers.image.description": HOSTILE}),
    "1.1": configured("next", RUN | {"config": {"Env": ["PATH=/bin"]}}, ["base", "curl", "app 2"]),
    "multi": attested("multi"),
    "many": configured(
        "many",
        {"os": "linux", "architecture": "amd64", "history": [{"created_by": f"RUN {n}"} for n in range(300)]},
        [f"layer {n}" for n in range(300)],
    ),
    "wide": index("wide", [image(f"wide {n}") for n in range(300)]),
    "chart": chart("served", {"values.yaml": f"name: {HOSTILE}\n", "README.md": _README}, said={"icon": HOSTILE}),
    "bomb": chart("bomb", content=b"this is no archive"),
    "model": model("llama", f"# Card\n{HOSTILE}\n", packing=".tar+gzip"),
}


@pytest.fixture(scope="module")
def shown(site: Site) -> Site:
    """With content of every kind."""
    for tag, what in CONTENT.items():
        site.push(SHOWN, what, tag)
    sbom = artifact("an sbom", subject=CONTENT["1.0"], artifact_type="application/spdx+json")
    site.push(SHOWN, sbom)
    site.push(SHOWN, artifact("a signature", subject=sbom, artifact_type="application/vnd.cncf.notary.signature"))
    child = CONTENT["multi"].children[0]
    shown_below = artifact("below", subject=child, artifact_type="application/vnd.example.below")
    site.push(SHOWN, shown_below)
    old = image("old", layers=[blob("payload", media_type="application/vnd.dev.cosign.simplesigning.v1+json")])
    site.push(SHOWN, old, f"sha256-{CONTENT['1.0'].digest.hex}.sig")
    site.ask("PATCH", f"labels?repository={SHOWN}&reference=1.0", {"set": {"team.example/label": HOSTILE[:60]}})
    site.sign_in("ada")
    return site


def page(shown: Site, tag: str) -> str:
    assert shown.open(f"/r/{SHOWN}:{tag}") == 200
    return shown.browser.text()


def harmless(shown: Site) -> None:
    """Nothing that was written in the content became a part of the page."""
    browser = shown.browser
    for selector in ("main script", "main img", "main iframe", "main style", "[onerror]", "main [style]"):
        assert browser.count(selector) == 0, selector
    assert browser.complaints(shown.base) == []
    assert [url for url in browser.asked() if not url.startswith(shown.base)] == []


def test_the_api_says_the_same(shown: Site) -> None:
    found = shown.ask("GET", f"images?repository={SHOWN}&reference=1.0", who="ada")
    assert found["config"]["env"] == RUN["config"]["Env"]  # type: ignore[index]
    assert [layer["command"][:3] for layer in found["layers"]] == ["ADD", "RUN", "COP"]
    assert found["pushed_by"] == "admin"
    assert json.loads(found["manifest"])["schemaVersion"] == 2
    assert shown.ask("GET", f"images?repository={SHOWN}&reference=1.0", who="rita")["pushed_by"] == ""
    texts = shown.ask("GET", f"image-texts?repository={SHOWN}&reference=chart", who="rita")
    assert texts["readme"] == _README
    multi = shown.ask("GET", f"images?repository={SHOWN}&reference=multi", who="rita")
    assert [entry["platform"] for entry in multi["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert [entry["attests"] for entry in multi["others"]] == [entry["digest"] for entry in multi["platforms"]]


def test_an_image_says_what_it_is_and_how_to_get_it(shown: Site) -> None:
    text = page(shown, "1.0")
    host = f"localhost:{shown.server.port}"
    for words in (
        f"docker pull {host}/{SHOWN}:1.0",
        f"podman pull --tls-verify=false {host}/{SHOWN}:1.0",
        f"FROM {host}/{SHOWN}:1.0",
        f"image: {host}/{SHOWN}:1.0",
        "linux/amd64",
        "root file system",
        "apt-get install -y curl",
        "8080/tcp",
        "sbom",
        "signature",
        "team.example/label",
        "Pushed",
    ):
        assert words in text, words
    assert shown.browser.count("main svg.bar rect title") == 3
    assert shown.browser.count(".tree > li") == 2
    assert shown.browser.count(".tree ul li") == 1
    harmless(shown)


def test_hostile_text_stays_text(shown: Site) -> None:
    for tag in ("1.0", "chart", "model"):
        assert HOSTILE in page(shown, tag), tag
        harmless(shown)


def test_a_readme_links_only_where_links_may_lead(shown: Site) -> None:
    assert "Serves" in page(shown, "chart")
    written = shown.browser.html(".readme")
    links = [part.partition('"')[0] for part in written.split('href="')[1:]]
    assert links == ["https://elsewhere.example/x", "https://spy.example/pixel.png"]
    assert written.count('rel="nofollow noopener noreferrer"') == 2
    assert shown.browser.count(".readme h1, .readme h2:not(#readme)") == 0
    assert "name: <img" in shown.browser.text("pre")


def test_an_attested_image_shows_only_real_platforms(shown: Site) -> None:
    text = page(shown, "multi")
    assert "unknown" not in text
    assert shown.browser.count(".chips a") == 2
    assert "of the image for linux/arm64" in text
    assert "Layers for linux/amd64" in text
    # What refers to the image of one platform is told on the page of the index, below that platform.
    (below,) = shown.browser.texts(".tree > li:has(> ul)")
    assert below.startswith("the image for linux/amd64")
    assert "application/vnd.example.below" in below
    assert shown.open(f"/r/{SHOWN}:multi?platform=linux%2Farm64") == 200
    assert "Layers for linux/arm64" in shown.browser.text()


def test_many_layers_and_many_entries_are_shown(shown: Site) -> None:
    text = page(shown, "many")
    assert "RUN 299" in text
    assert shown.browser.count("main svg.bar rect title") == 300
    assert shown.browser.beyond() == []
    text = page(shown, "wide")
    assert "There are more" in text


def test_what_cannot_be_read_says_so(shown: Site) -> None:
    assert "it is damaged, or no archive" in page(shown, "bomb")


def test_a_model_has_its_card(shown: Site) -> None:
    text = page(shown, "model")
    assert "Card" in text
    assert "llama" in text
    assert "model.safetensors" in text
    assert "modctl pull" in text


def test_what_differs_between_two(shown: Site) -> None:
    shown.open(f"/r/{SHOWN}:1.1")
    shown.browser.fill("main [name=from]", f"localhost:{shown.server.port}/{SHOWN}:1.0")
    shown.browser.click("main form[action='/compare'] button")
    text = shown.browser.text()
    assert "2 shared" in text
    assert "1 new" in text
    assert HOSTILE in text
    harmless(shown)
    assert shown.open("/compare?from=nonsense&to=x") == 400
    assert shown.open(f"/compare?from={SHOWN}:1.0&to={SHOWN}:gone") == 404
    assert shown.open(f"/compare?from={SHOWN}:multi&to={SHOWN}:multi") == 200
    assert "Both are the same" in shown.browser.text()


def test_the_reference_itself_leads_to_the_page(shown: Site) -> None:
    for pasted in (f"{SHOWN}:1.0", f"{SHOWN}@{CONTENT['1.0'].digest}", f"{SHOWN}:x@{CONTENT['1.0'].digest}"):
        assert shown.open(f"/{pasted}") == 200
        assert shown.browser.url.startswith(f"{shown.base}/r/{SHOWN}")
    assert shown.open(f"/{SHOWN}:gone") == 404
    assert shown.open("/team/..:x") == 404


def test_without_scripts_everything_is_there(shown: Site) -> None:
    shown.sign_in("ada", scripts=False)
    assert "apt-get install" in page(shown, "1.0")
    shown.sign_in("ada")


def test_who_may_not_pull_is_told_of_nothing(shown: Site) -> None:
    address = f"/r/{SHOWN}:1.0"
    shown.sign_in("grace")
    assert shown.open(address) == 404
    there = shown.browser.text("main h1")
    assert shown.open("/r/nowhere/at-all:1.0") == 404
    assert shown.browser.text("main h1") == there
    assert shown.open(f"/compare?from={SHOWN}:1.0&to={SHOWN}:1.1") == 404
    shown.sign_in("")
    shown.open(address)
    assert shown.browser.url == f"{shown.base}/login?next={quote(quote(address), safe='/')}"
    assert shown.open("/r/open/base:latest") == 200
    shown.sign_in("ada")


@pytest.mark.parametrize("tag", ["1.0", "multi", "chart", "model"])
def test_there_is_no_barrier(shown: Site, tag: str) -> None:
    page(shown, tag)
    for dark, width in ((False, 1280), (True, 1280), (False, 390), (True, 390)):
        shown.browser.look(dark=dark, width=width)
        assert shown.browser.barriers() == [], (dark, width)
        assert shown.browser.beyond() == [], (dark, width)
