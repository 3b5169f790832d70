"""Namespaces, repositories and searches in a browser: what is shown in which order, to whom, and what can be done."""

import pytest

from tests.content import image, index
from tests.ui.site import HOSTILE, Site

pytestmark = pytest.mark.slow


def rows(site: Site) -> list[str]:
    """The names in the first column of links of the table that is open; what is wrong with them leads to a tab."""
    return site.browser.texts("tbody td:first-child a, tbody td:nth-child(2) a:not([href*='/-/'])")


def test_a_list_of_tags_is_sorted_over_all_of_them_and_goes_on(site: Site) -> None:
    for number in range(60):
        site.push("team/many", image("many"), f"1.{number}.0")
    site.push("team/many", image("many"), "1.7.0-rc1", "a")
    site.sign_in("ada", scripts=False)
    site.open("/r/team/many?sort=version")
    assert rows(site)[:3] == ["1.59.0", "1.58.0", "1.57.0"]
    assert len(rows(site)) == 51
    site.browser.click("tr.more a")
    assert rows(site)[-3:] == ["1.1.0", "1.0.0", "a"]
    site.open("/r/team/many?only=others&sort=name")
    assert rows(site) == ["1.7.0-rc1", "a"]
    site.open("/r/team/many?name=1.5*.0&sort=name")
    assert rows(site)[0] == "1.5.0"
    assert len(rows(site)) == 11
    site.open("/r/team/many?name=nothing-here")
    assert "No tag fits" in site.browser.text()


def test_rows_come_by_scrolling_where_scripts_run(site: Site) -> None:
    for number in range(60):
        site.push("team/scrolled", image("many"), f"1.{number}.0")
    site.sign_in("ada")
    site.open("/r/team/scrolled?sort=name")
    site.browser.press("End")
    site.browser.until("document.querySelectorAll('tbody tr').length == 60")


def test_content_of_all_kinds_is_listed_and_no_platform_is_unknown(site: Site) -> None:
    attestation = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "platform": "unknown/unknown"}
    site.push("team/mixed", index("attested", [image("attested-amd64")], annotations=attestation), "v1")
    site.push("team/mixed", image("plain"), "v2")
    site.sign_in("ada")
    site.open("/r/team/mixed")
    assert set(rows(site)) == {"v1", "v2"}
    assert "unknown" not in site.browser.text()
    for path, kind in (("/r/team/chart", "chart"), ("/r/team/cache", "cache")):
        site.open(path)
        assert kind in site.browser.text("tbody")
    site.open("/search?q=team")
    found = site.browser.texts("main li a")
    assert {"team/app", "team/cache", "team/chart", "team/mixed"} <= set(found)


def test_a_tag_is_taken_back_to_what_it_was(site: Site) -> None:
    first, second = image("first"), image("second")
    site.push("team/back", first, "prod")
    site.push("team/back", second, "prod")
    site.sign_in("ada", scripts=False)
    site.open("/r/team/back/-/history")
    assert site.browser.count("svg circle") == 2
    site.browser.click("tbody tr:nth-child(2) a[href^='/rollback']")
    assert first.digest.hex[:12] in site.browser.text()
    site.browser.click("main form button")
    assert site.browser.url.endswith("/r/team/back/-/history?tag=prod")
    assert site.ask("GET", "tag-history?repository=team/back&tag=prod")[0]["digest"] == first.digest


def test_what_is_chosen_is_shown_and_then_deleted_but_for_what_moved(site: Site) -> None:
    for tag in ("one", "two", "three"):
        site.push("team/chosen", image(tag), tag)
    site.sign_in("ada", scripts=False)
    site.open("/r/team/chosen")
    for tag in ("one", "two"):
        site.browser.click(f"input[name='tag.{tag}']")
    site.browser.click("main form[action='/tags/plan'] button")
    assert "Delete 2 tags" in site.browser.text()
    site.push("team/chosen", image("moved"), "two")
    site.browser.click("form[action='/tags/delete'] button")
    text = site.browser.text()
    assert "gone" in text
    assert "stays" in text
    site.open("/r/team/chosen")
    assert set(rows(site)) == {"two", "three"}


def test_a_reader_may_look_and_is_told_by_which_right_they_may_not_delete(site: Site) -> None:
    site.push("team/kept", image("kept"), "v1")
    site.sign_in("rita", scripts=False)
    site.open("/r/team/kept")
    site.browser.click("input[name='tag.v1']")
    site.browser.click("main form[action='/tags/plan'] button")
    site.browser.click("form[action='/tags/delete'] button")
    assert "rita has no grant for untag on team/kept" in site.browser.text(".message")
    assert site.open("/r/team/kept:v1") == 200


@pytest.mark.parametrize("path", ["/r/team", "/r/team/app", "/r/team/app/-/history", "/r/team/nothing", "/r/nothing"])
def test_what_is_not_for_somebody_to_see_is_not_there_and_signing_in_may_help(site: Site, path: str) -> None:
    site.sign_in("grace")
    assert site.open(path) == 404
    site.sign_in("")
    site.open(path)
    assert f"{site.base}/login?next={path}" == site.browser.url


def test_anybody_sees_what_is_public_and_nothing_else(site: Site) -> None:
    site.sign_in("")
    site.open("/")
    assert "open" in site.browser.text()
    assert "team" not in site.browser.text()
    assert site.open("/r/open") == 200
    assert rows(site) == ["base"]
    assert site.open("/r/open/base") == 200
    assert rows(site) == ["latest"]
    assert site.browser.count("input[type=checkbox]") == 0
    site.open("/search?q=team")
    assert site.browser.count("main li a") == 0


def test_hostile_text_is_shown_and_not_run(site: Site) -> None:
    site.sign_in("ada")
    site.open("/r/team")
    assert HOSTILE in site.browser.text()
    site.open(f"/search?q={HOSTILE.replace('<', '%3C').replace('>', '%3E').replace(' ', '+')}")
    assert site.browser.complaints(site.base) == []
    assert site.browser.count("main img, main script") == 0


def test_a_table_is_walked_by_keys_and_the_pull_command_is_copied(site: Site) -> None:
    site.sign_in("ada")
    site.open("/r/team/app")
    site.browser.press("j")
    first = site.browser.focused()
    site.browser.press("j")
    assert site.browser.focused() != first
    site.browser.press("k")
    assert site.browser.focused() == first
    site.browser.press("c")
    site.browser.until("document.body.innerText.includes('Copied')")
    assert site.browser.clipboard().startswith("docker pull ")


def test_a_namespace_is_made_opened_and_removed_and_a_repository_deleted(site: Site) -> None:
    site.sign_in("admin", scripts=False)
    site.open("/namespaces")
    site.browser.fill("main [name=path]", "made/inner")
    site.browser.select("main [name=visibility]", "public")
    site.browser.fill("main [name=description]", HOSTILE)
    site.browser.click("main form button")
    assert site.browser.url == f"{site.base}/r/made/inner"
    assert HOSTILE in site.browser.text()
    site.push("made/inner/app", image("made"), "v1")
    site.open("/namespaces?path=made/inner")
    site.browser.select("main [name=visibility]", "private")
    site.browser.click("main form button")
    assert site.ask("GET", "namespaces/made/inner")["visibility"] == "private"
    site.open("/namespaces/remove?path=made/inner")
    site.browser.click("main form button")
    assert "made/inner" in site.browser.text(".message")
    site.open("/r/made/inner/app")
    site.browser.click("a[href^='/repositories/remove']")
    assert "1 tag " in site.browser.text()
    site.browser.click("main form button")
    assert "made/inner/app" in site.browser.text("tbody")
    assert site.open("/r/made/inner/app") == 404
    site.sign_in("rita", scripts=False)
    site.open("/r/team")
    assert site.browser.count("main a[href^='/namespaces']") == 0
    assert site.open("/repositories/remove?name=team/app") == 200
    site.browser.click("main form button")
    assert "rita has no grant" in site.browser.text(".message")
    assert site.open("/r/team/app") == 200
