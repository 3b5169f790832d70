"""Pages about who there is and who may do what: what they show, refuse and escape, and to whom."""

import asyncio
import re
from typing import Any

import msgspec
import pytest

from orlop.domain.access import Place, PlaceKind, SubjectKind
from orlop.domain.identity.secrets import parse_secret
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Account, AccountChange, Group, Namespace, NewGrant
from tests.unit.ui.scene import START, Answer, Browser, Scene

REGISTRY, TEAM, OTHER = Place(PlaceKind.REGISTRY), Place(PlaceKind.NAMESPACE, "team"), Place(PlaceKind.NAMESPACE, "oth")
HOSTILE = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}"
PLAIN = "robot+ci"

#: By name: what they are granted.
CAST = {
    "root": ("admin", REGISTRY),
    "audrey": ("auditor", REGISTRY),
    "ada": ("owner", TEAM),
    "otto": ("owner", OTHER),
    "rita": ("reader", TEAM),
}


async def granted(scene: Scene, principal: str, role: str, place: Place) -> int:
    return (await scene.identity.grants.add(NewGrant(principal=principal, role=role, place=place), scene.by())).grant.id


async def robot(scene: Scene, name: str = PLAIN, namespace: str = "team") -> None:
    account = Account(kind=SubjectKind.ROBOT, name=name, namespace=namespace, display=HOSTILE)
    await scene.identity.accounts.add(account, scene.by())


class House:
    """A registry with people of all rights, of whom each is signed in in a browser of their own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.browsers: dict[str, Browser] = {"": scene.browser()}

    async def fill(self) -> None:
        for name, (role, place) in CAST.items():
            await self.scene.user(name)
            await granted(self.scene, name, role, place)
            self.browsers[name] = self.scene.browser()
            assert (await self.browsers[name].sign_in(name)).status == 303
        await self.scene.identity.groups.add(Group(name="staff", description=HOSTILE), self.scene.by())
        await self.scene.identity.members.set("staff", add=("rita",), by=self.scene.by())
        await robot(self.scene)
        await self.scene.identity.namespaces.put(Namespace(path="team"), self.scene.by())

    async def get(self, who: str, path: str) -> Answer:
        return await self.browsers[who].get(path)

    async def post(self, who: str, path: str, fields: dict[str, str] | None = None) -> Answer:
        """A form, with the token of a page that the browser was given."""
        browser = self.browsers[who]
        await browser.get("/access" if who else "/login")
        return await browser.submit(path, fields)


@pytest.fixture
def house(scene: Scene, runner: asyncio.Runner) -> House:
    house = House(scene)
    runner.run(house.fill())
    return house


# --- Who is shown what ----------------------------------------------------------------------------------------------

ALL = dict.fromkeys(CAST, 200)
#: Path → the status for each; nobody in particular is led to the sign-in.
SHOWN: dict[str, dict[str, int]] = {
    "/people": ALL,
    "/people/rita": ALL | {"ada": 404, "otto": 404},
    "/people/root": ALL | {"ada": 404, "otto": 404, "rita": 404},
    "/people/nobody": dict.fromkeys(CAST, 404),
    "/groups": ALL,
    "/groups/staff": ALL | {"ada": 404, "otto": 404},
    "/robots": ALL,
    "/robots/robot+ci": ALL | {"otto": 404, "rita": 404},
    "/grants": ALL,
    "/roles": ALL,
    "/roles/reader": ALL,
    "/trusts": ALL | {"ada": 403, "otto": 403, "rita": 403},
    "/certificate-rules": ALL | {"ada": 403, "otto": 403, "rita": 403},
    "/providers": ALL | {"ada": 403, "otto": 403, "rita": 403},
    "/access": ALL,
    "/access?who=rita&may=pull&on=team/app": ALL | {"otto": 403},
    "/access?who=root&may=system": ALL | {"ada": 403, "otto": 403, "rita": 403},
    "/r/team/-/people": ALL | {"otto": 404, "rita": 403},
    "/r/nothing/-/people": dict.fromkeys(CAST, 404),
    "/device": ALL,
    "/who?path=team": ALL | {"otto": 403, "rita": 403},
    "/who?repository=team/app": ALL | {"otto": 403, "rita": 403},
    "/who?path=": ALL | {"ada": 403, "otto": 403, "rita": 403},
    "/who?repository=TEAM": dict.fromkeys(CAST, 400),
    "/who": dict.fromkeys(CAST, 400),
}


@pytest.mark.parametrize("path", SHOWN)
async def test_a_page_is_shown_to_whom_the_api_would_tell(house: House, path: str) -> None:
    assert {who: (await house.get(who, path)).status for who in CAST} == SHOWN[path]
    assert (await house.get("", path)).location.startswith("/login?next=")
    for who in CAST:
        assert "<img" not in (await house.get(who, path)).text


#: What changes something: (path, fields) → who may. Others get 403, or 404 where they may not know of it.
CHANGES: list[tuple[str, dict[str, str], set[str]]] = [
    ("/people", {"name": "eve"}, {"root"}),
    ("/people/rita/change", {"display": "R"}, {"root"}),
    ("/people/rita/lock", {"reason": "left"}, {"root"}),
    ("/people/rita/unlock", {}, {"root"}),
    ("/people/otto/password", {"password": "quite another phrase"}, {"root"}),
    ("/people/rita/remove", {"sure": "yes"}, {"root"}),
    ("/people/rita/remove", {}, {"root"}),
    ("/groups", {"name": "more"}, {"root"}),
    ("/groups/staff/join", {"account": "ada"}, {"root"}),
    ("/groups/staff/leave", {"account": "rita"}, {"root"}),
    ("/groups/staff/remove", {}, {"root"}),
    ("/groups/staff/remove", {"sure": "yes"}, {"root"}),
    ("/robots", {"name": "new", "namespace": "team"}, {"root", "ada"}),
    ("/robots/robot+ci/secrets", {"label": "a", "days": "90"}, {"root", "ada"}),
    ("/robots/robot+ci/lock", {"reason": "x"}, {"root", "ada"}),
    ("/robots/robot+ci/unlock", {}, {"root", "ada"}),
    ("/robots/robot+ci/remove", {}, {"root", "ada"}),
    ("/robots/robot+ci/remove", {"sure": "yes"}, {"root", "ada"}),
    ("/grants", {"principal": "group:staff", "role": "reader", "place": "team/"}, {"root", "ada"}),
    ("/grants", {"principal": "group:staff", "role": "reader", "place": "/"}, {"root"}),
    ("/grants", {"principal": "ada", "role": "admin", "place": "/"}, {"root"}),
    ("/who/grant", {"principal": "group:staff", "role": "publisher", "place": "team/"}, {"root", "ada"}),
    ("/who/grant", {"principal": "group:staff", "role": "reader", "place": "team/app"}, {"root", "ada"}),
    ("/who/robot", {"name": "new", "role": "publisher", "place": "team/", "secret_days": "90"}, {"root", "ada"}),
    ("/who/robot", {"name": "new", "role": "publisher", "place": "team/app", "secret_days": "90"}, {"root", "ada"}),
    ("/roles", {"name": "retagger", "actions-tag": "yes"}, {"root"}),
    ("/providers", {"name": "x", "issuer": "https://i.example", "client_id": "c", "algorithms-RS256": "yes"}, {"root"}),
]


@pytest.mark.parametrize("who", ["", *CAST])
async def test_a_form_does_for_somebody_what_they_may_do(house: House, who: str) -> None:
    mismatched = []
    for path, fields, may in CHANGES:
        answer = await house.post(who, path, fields)
        passes = answer.status in {200, 303} and not answer.location.startswith("/login")
        expected = who in may
        # What somebody else did before stays, so only those who may do it at all can find it done.
        if passes is not expected and not (expected and answer.status in {404, 409}):
            mismatched.append((path, fields, answer.status, answer.text[-2500:-1500]))
        if not expected and who and answer.status not in {403, 404}:
            mismatched.append((path, fields, answer.status, "refused otherwise"))
    assert not mismatched


async def test_a_refusal_stands_on_the_page_of_the_form(house: House) -> None:
    answer = await house.post("ada", "/who/grant", {"principal": "rita", "role": "admin", "place": "team/"})
    assert answer.status == 400
    assert "the role admin is about the registry as a whole" in answer.text
    assert 'action="/who/grant"' in answer.text
    answer = await house.post("root", "/people", {"name": "BAD NAME"})
    assert answer.status == 400
    assert 'value="BAD NAME"' in answer.text


async def test_no_form_works_from_another_site(house: House) -> None:
    browser = house.browsers["root"]
    await browser.get("/people")
    for path, fields, _ in CHANGES:
        assert (await browser.post(path, fields)).status == 403
        kept = {**fields, "csrf": "x"}
        assert (await browser.post(path, kept, origin="https://evil.example")).status == 403


# --- People ---------------------------------------------------------------------------------------------------------


async def test_a_user_is_made_changed_locked_let_in_and_removed(house: House) -> None:
    fields = {"name": "eve", "display": HOSTILE, "email": "eve@example.org", "password": "a phrase for eve"}
    assert (await house.post("root", "/people", fields)).location == "/people/eve"
    page = await house.get("root", "/people/eve")
    assert "&lt;img src=x" in page.text
    eve = house.scene.browser()
    assert (await eve.sign_in("eve", "a phrase for eve")).status == 303
    assert (await eve.get("/")).location == "/account/password"
    version = page.hidden("version")
    changed = {"display": "Eve", "email": "", "version": version}
    assert (await house.post("root", "/people/eve/change", changed)).status == 303
    stale = await house.post("root", "/people/eve/change", changed)
    assert stale.status == 412
    assert "changed meanwhile" in stale.text
    assert (await house.post("root", "/people/eve/lock", {"reason": HOSTILE})).status == 303
    assert "locked: &lt;img" in (await house.get("root", "/people")).text
    assert (await eve.get("/account")).location.startswith("/login")
    assert (await house.post("root", "/people/eve/unlock", {})).status == 303
    account = await house.scene.identity.accounts.get("eve")
    assert account is not None
    assert not account.disabled
    await granted(house.scene, "eve", "reader", TEAM)
    plan = await house.post("root", "/people/eve/remove")
    assert "gives eve the role reader on team/: it goes with them" in plan.text
    assert await house.scene.identity.accounts.get("eve") is not None
    sure = await house.browsers["root"].submit("/people/eve/remove", {"sure": "yes"})
    assert sure.location == "/people"
    assert await house.scene.identity.accounts.get("eve") is None


async def test_sessions_of_somebody_are_seen_and_ended_by_those_who_rule(house: House) -> None:
    page = (await house.get("root", "/people/rita")).text
    assert "Test &lt;b&gt;1&lt;/b&gt;" in page
    assert "Sign out everywhere" in page
    assert "Sign out everywhere" not in (await house.get("audrey", "/people/rita")).text
    assert (await house.post("audrey", "/people/rita/sessions", {"id": "all"})).status == 403
    assert (await house.get("rita", "/account")).status == 200
    assert (await house.post("root", "/people/rita/sessions", {"id": "all"})).status == 303
    assert (await house.get("rita", "/account")).location.startswith("/login")


async def test_one_cannot_shut_oneself_out(house: House) -> None:
    for path in ("/people/root/lock", "/people/root/remove"):
        answer = await house.post("root", path, {"reason": "x", "sure": "yes"})
        assert answer.status == 409
        assert "ask somebody else who rules the registry" in answer.text
    [own] = (await house.scene.identity.grants.page(_all(), principal="root")).items
    answer = await house.post("root", "/grants/remove", {"id": str(own.grant.id), "sure": "yes"})
    assert answer.status == 409
    assert "nobody else rules the registry" in answer.text


# --- Robots and secrets ---------------------------------------------------------------------------------------------


async def test_a_pipeline_gets_a_robot_with_a_right_and_a_secret_in_one_form(house: House) -> None:
    page = await house.get("ada", "/who?path=team")
    assert "A robot for a pipeline" in page.text
    fields = {"place": "team/", "name": "build", "role": "publisher", "secret_days": "90", "next": "/who?path=team"}
    answer = await house.post("ada", "/who/robot", fields)
    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    found = re.search(r'id="secret">([^<]+)<', answer.text)
    assert found
    secret = found[1]
    parsed = parse_secret(secret)
    assert parsed is not None
    kept = await house.scene.identity.secrets.find(parsed.lookup)
    assert kept is not None
    assert kept[1].name == "robot+build"
    assert kept[1].namespace == "team"
    assert kept[0].expires_at == START + 90 * 86_400 * 1_000_000
    assert f"echo {secret} | docker login registry.example -u robot+build --password-stdin" in answer.text
    for path in ("/robots/robot+build", "/robots", "/who?path=team", "/grants"):
        assert secret not in (await house.get("ada", path)).text
    people = (await house.get("ada", "/who?path=team")).text
    assert "robot+build" in people


async def test_no_robot_is_left_of_a_form_that_is_refused(house: House) -> None:
    for fields in (
        {"place": "team/", "name": "build", "role": "admin", "secret_days": "90"},
        {"place": "team/", "name": "build", "role": "nothing", "secret_days": "90"},
        {"place": "team/", "name": "build", "role": "reader", "secret_days": "x"},
        {"place": "oth/", "name": "build", "role": "reader", "secret_days": "90"},
        {"place": "", "name": "build", "role": "reader", "secret_days": "90"},
        {"place": "team/", "name": "BUILD !", "role": "reader", "secret_days": "90"},
    ):
        assert (await house.post("ada", "/who/robot", fields)).status in {400, 403, 404}
    assert await house.scene.identity.accounts.get("robot+build") is None


async def test_a_secret_is_rotated_shown_once_and_revoked(house: House) -> None:
    first = await house.post("ada", "/robots/robot+ci/secrets", {"label": HOSTILE, "days": "30"})
    second = await house.post("ada", "/robots/robot+ci/rotate")
    shown = [re.findall(r'id="secret">([^<]+)<', answer.text) for answer in (first, second)]
    assert len({text for [text] in shown}) == 2
    page = (await house.get("ada", "/robots/robot+ci")).text
    assert "&lt;img" in page
    assert "Another secret" not in page
    assert not any(text in page for [text] in shown)
    full = await house.post("ada", "/robots/robot+ci/secrets", {"label": "", "days": "30"})
    assert full.status == 409
    numbers = house.scene.numbers("secrets")
    assert (await house.post("ada", "/robots/robot+ci/revoke", {"id": str(numbers[0])})).status == 303
    assert house.scene.numbers("secrets") == numbers[1:]
    assert (await house.post("otto", "/robots/robot+ci/revoke", {"id": str(numbers[1])})).status == 404


# --- Grants and places ----------------------------------------------------------------------------------------------


async def test_a_colleague_is_let_in_on_one_place_and_out_again(house: House) -> None:
    await house.scene.user("cleo")
    fields = {"place": "team/", "principal": "cleo", "role": "publisher", "days": "30", "next": "/who?path=team"}
    assert (await house.post("ada", "/who/grant", fields)).location == "/who?path=team"
    [record] = (await house.scene.identity.grants.page(_all(), principal="cleo")).items
    assert record.grant.expires_at == START + 30 * 86_400 * 1_000_000
    page = (await house.get("ada", "/who?path=team")).text
    assert '<a href="/people/cleo">cleo</a>' in page
    plan = await house.post("ada", "/grants/remove", {"id": str(record.grant.id), "next": "/who?path=team"})
    assert "gives cleo the role publisher on team/" in plan.text
    assert (await house.post("otto", "/grants/remove", {"id": str(record.grant.id), "sure": "yes"})).status == 404
    gone = await house.post(
        "ada", "/grants/remove", {"id": str(record.grant.id), "sure": "yes", "next": "//evil.example"}
    )
    assert gone.location == "/grants"
    assert not (await house.scene.identity.grants.page(_all(), principal="cleo")).items


async def test_the_people_of_a_place_are_a_tab_of_it(house: House) -> None:
    page = (await house.get("ada", "/r/team/-/people")).text
    assert '<a href="/r/team/-/people" aria-current="page">People</a>' in page
    assert 'name="place" value="team/"' in page
    assert 'name="next" value="/r/team/-/people"' in page
    fields = {"place": "team/", "principal": "group:staff", "role": "guest", "next": "/r/team/-/people"}
    assert (await house.post("ada", "/who/grant", fields)).location == "/r/team/-/people"


async def test_who_may_what_is_a_table_of_people_and_actions(house: House) -> None:
    await granted(house.scene, "group:staff", "maintainer", Place(PlaceKind.REPOSITORIES, "team/app"))
    page = (await house.get("ada", "/who?repository=team/app")).text
    row = re.search(r'<tr><td class="wide"><a href="/groups/staff">staff</a>.*?</tr>', page, re.DOTALL)
    assert row
    assert row[0].count(">yes<") == 10, "a maintainer may do all but admin"
    assert "maintainer" in row[0]
    assert 'name="place" value="team/app"' in page
    assert "Nobody else sees it: it is private." in page


async def test_grants_are_listed_by_whom_and_where(house: House) -> None:
    page = (await house.get("root", "/grants?principal=ada")).text
    assert '<a href="/people/ada">ada</a>' in page
    assert '<a href="/people/otto">' not in page
    page = (await house.get("root", "/grants?place=oth/")).text
    assert '<a href="/people/otto">otto</a>' in page
    assert '<a href="/people/ada">' not in page
    assert (await house.get("root", "/grants?last=x")).status == 400
    for number in range(60):
        await granted(house.scene, "rita", "guest", Place(PlaceKind.REPOSITORIES, f"team/r{number}"))
    rows = (await house.get("root", "/grants?part=rows")).text
    assert rows.startswith("<tr>")
    assert rows.count("<tr>") == 50
    more = re.search(r'hx-get="([^"]+)"', rows)
    assert more
    assert (await house.get("root", more[1].replace("&amp;", "&"))).text.count("<tr>") == 15


# --- Why, roles, providers ------------------------------------------------------------------------------------------


async def test_why_somebody_may_not_and_what_would_change_it(house: House) -> None:
    page = (await house.get("ada", "/access?who=rita&may=push-new&on=team/app:v2")).text
    assert ">No<" in page
    assert "grant rita the role publisher on team/app" in page
    assert "the role reader does not have push-new" in page
    assert "orlop access explain rita push-new team/app:v2" in page
    assert ">Yes<" in (await house.get("rita", "/access?who=rita&may=pull&on=team/app")).text
    await house.scene.identity.accounts.change("rita", AccountChange(disabled="on leave"), house.scene.by())
    page = (await house.get("ada", "/access?who=rita&may=pull&on=team/app")).text
    assert ">No<" in page


@pytest.mark.parametrize("query", ["may=nothing", "may=pull&on=A", "may=pull&on=a:", "may=pull&who=nobody&on=team/x"])
async def test_a_question_that_makes_no_sense_is_answered_on_the_page(house: House, query: str) -> None:
    answer = await house.get("root", f"/access?{query}")
    assert answer.status in {400, 404}
    assert 'role="alert"' in answer.text
    assert 'action="/access"' in answer.text


async def test_a_role_is_made_and_changed_by_boxes(house: House) -> None:
    made = {"name": "retagger", "description": HOSTILE, "actions-tag": "yes", "actions-overwrite": "yes"}
    assert (await house.post("root", "/roles", made)).location == "/roles/retagger"
    page = await house.get("root", "/roles/retagger")
    assert page.ticked() == {"actions-tag", "actions-overwrite"}
    again = await house.post("root", "/roles", made)
    assert again.status == 409
    assert again.ticked() == {"actions-tag", "actions-overwrite"}
    changed = {"actions-tag": "yes", "fields": "all", "version": page.hidden("version")}
    assert (await house.post("root", "/roles/retagger/change", changed)).status == 303
    assert (await house.post("root", "/roles/retagger/change", changed)).status == 412
    assert "overwrite" not in (await house.get("rita", "/roles/retagger")).text.split("</pre>")[0].split("<pre")[1]
    nothing = await house.post("root", "/roles/retagger/change", {"fields": "all"})
    assert nothing.status == 400
    assert "a role has actions" in nothing.text
    assert not nothing.ticked()
    assert (await house.post("root", "/roles/reader/change", changed)).status in {400, 403, 409}
    assert (await house.post("root", "/roles/retagger/remove", {"sure": "yes"})).location == "/roles"


ONE = {"issuer": "https://i.example", "client_id": "c", "algorithms-RS256": "yes", "fields": "all"}


async def test_the_secret_of_a_provider_is_never_shown_and_stays_where_nothing_is_said_of_it(house: House) -> None:
    made = {"name": "one", "client_secret": "a secret of it", **ONE}
    assert (await house.post("root", "/providers", made)).location == "/providers/one"
    for who in ("root", "audrey"):
        page = (await house.get(who, "/providers/one")).text
        assert "a secret of it" not in page
        assert "(set)" in page
    refused = await house.post("root", "/providers/one/change", {**ONE, "prompt": "x", "client_secret": "another one"})
    assert refused.status == 400
    assert "another one" not in refused.text
    assert (await house.post("root", "/providers/one/change", {**ONE, "text": "Sign in"})).status == 303
    assert "there is one; leave it empty" in (await house.get("root", "/providers/one")).text
    elsewhere = await house.post("root", "/providers/one/change", {**ONE, "issuer": "https://evil.example"})
    assert elsewhere.status == 400
    assert "give the secret anew" in elsewhere.text
    assert 'value="https://evil.example"' in elsewhere.text
    assert (await house.post("root", "/providers/one/change", {**ONE, "client_secret-none": "yes"})).status == 303
    assert "(set)" not in (await house.get("root", "/providers/one")).text


async def body_of(house: House, kind: str, name: str) -> dict[str, Any]:
    document = await house.scene.identity.documents.get(kind, name)
    assert document is not None
    return dict(msgspec.json.decode(document.body))


async def test_a_directory_is_described_by_a_form(house: House) -> None:
    page = await house.get("root", "/providers?as=ldap")
    assert 'value="entryUUID"' in page.text
    assert (await house.get("root", "/providers?as=pigeon")).status == 404
    sent = {"as": "ldap", "name": "corp", "servers": "ldaps://a.example\r\nldaps://b.example", "user_base": "ou=people"}
    sent |= {"start_tls": "yes", "group_base": "ou=groups", "groups": "cn=devs,ou=groups = team\r\n* = corp-*"}
    assert (await house.post("root", "/providers", sent)).location == "/providers/corp"
    kept = await body_of(house, "provider", "corp")
    assert kept["servers"] == ["ldaps://a.example", "ldaps://b.example"]
    assert kept["groups"] == {"cn=devs,ou=groups": "team", "*": "corp-*"}
    refused = await house.post("root", "/providers", {**sent, "name": "other", "groups": "devs"})
    assert refused.status == 400
    assert "groups: &#39;devs&#39; is not of the form" in refused.text


async def test_a_trust_is_made_by_a_form_that_knows_this_registry(house: House) -> None:
    await house.post("root", "/robots", {"name": "ci", "namespace": "team"})
    page = await house.get("root", "/trusts")
    audience = page.hidden("audience")
    assert audience == "registry.example"
    sent = {"name": "ci", "robot": "robot+ci", "audience": audience, "minutes": "15", "preset": "github"}
    sent |= {
        "algorithms-RS256": "yes",
        "claims": "repository = acme/app\r\nref = refs/heads/main\r\nref = refs/tags/v*",
    }
    open_early = await house.post("root", "/trusts", {**sent, "claims": "repository = *"})
    assert open_early.status == 400
    assert "repository = *" in open_early.text
    assert (await house.post("root", "/trusts", sent)).location == "/trusts/ci"
    kept = await body_of(house, "trust", "ci")
    assert kept["claims"] == {"repository": "acme/app", "ref": ["refs/heads/main", "refs/tags/v*"]}
    assert "https://token.actions.githubusercontent.com" in (await house.get("root", "/trusts")).text
    aws = {"as": "aws-iam", "name": "aws", "robot": "robot+ci", "audience": audience, "minutes": "5"}
    aws |= {"principal": "arn:aws:iam::123456789012:role/ci-push"}
    assert (await house.post("root", "/trusts", aws)).location == "/trusts/aws"
    assert "arn:aws:iam::123456789012:role/ci-push" in (await house.get("root", "/trusts/aws")).text


async def test_a_rule_for_certificates_is_made_by_a_form(house: House) -> None:
    await house.post("root", "/robots", {"name": "ci", "namespace": "team"})
    sent = {"name": "ci", "match": "subject:CN=ci,O=Example", "account": "robot+ci", "issuer": "", "description": ""}
    refused = await house.post("root", "/certificate-rules", {**sent, "match": "CN=ci"})
    assert refused.status == 400
    assert "match begins with" in refused.text
    assert (await house.post("root", "/certificate-rules", sent)).location == "/certificate-rules/ci"
    assert await body_of(house, "certificate-rule", "ci") == {"match": sent["match"], "account": "robot+ci"}
    assert "subject:CN=ci,O=Example" in (await house.get("root", "/certificate-rules")).text


async def test_a_provider_is_tried_out_by_a_button(house: House) -> None:
    provider = await house.scene.provider("corp")
    assert "Try it out" in (await house.get("root", "/providers/corp")).text
    assert "Try it out" not in (await house.get("audrey", "/providers/corp")).text
    page = (await house.post("root", "/providers/corp/test")).text
    assert "It answers" in page
    assert "is about this issuer" in page
    assert "keys that can be used here" in page
    for who in ("audrey", "ada", "rita"):
        assert (await house.post(who, "/providers/corp/test")).status == 403
    await provider.stop()
    page = (await house.post("root", "/providers/corp/test")).text
    assert "It does not work" in page
    assert (await house.post("root", "/providers/nobody/test")).status == 404


async def test_a_session_of_somebody_else_is_not_ended_by_its_number(house: House) -> None:
    sessions = await house.scene.identity.sessions.of("otto")
    answer = await house.post("rita", "/people/rita/sessions", {"id": sessions[0].id})
    assert answer.status == 303
    assert len(await house.scene.identity.sessions.of("otto")) == len(sessions)


def _all() -> PageRequest:
    return PageRequest(1000)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/people?begins=au", ["audrey"]),
        ("/people?begins=a", ["ada", "audrey"]),
        ("/people?begins=audrey", ["audrey"]),
        ("/people?begins=b", []),
        ("/people?begins=%C3%A9", []),
        ("/people?begins=a%00", []),
        ("/people?begins=a&last=ada", ["audrey"]),
        ("/people?begins=r&last=ada", ["rita", "root"]),
        ("/groups?begins=st", ["staff"]),
        ("/groups?begins=x", []),
        ("/robots?begins=c", ["robot+ci"]),
        ("/robots?begins=robot%2Bc", ["robot+ci"]),
        ("/robots?begins=d", []),
    ],
)
async def test_a_list_is_narrowed_by_how_names_begin(house: House, path: str, names: list[str]) -> None:
    page = (await house.get("root", path)).text
    assert re.findall(r'<td class="wide"><a href="/(?:people|groups|robots)/[^"]*">([^<]*)</a>', page) == names


async def test_a_narrowed_list_goes_on_and_shows_nobody_more(house: House) -> None:
    for number in range(60):
        await house.scene.identity.accounts.add(Account(name=f"many-{number:02}"), house.scene.by())
    first = (await house.get("root", "/people?begins=many-")).text
    assert "many-49" in first
    assert "many-50" not in first
    assert "/people?begins=many-&amp;last=many-49" in first
    rest = (await house.get("root", "/people?begins=many-&last=many-49&part=rows")).text
    assert rest.count("<tr>") == 10
    assert "more" not in rest
    assert "many-" not in (await house.get("rita", "/people?begins=m")).text.replace("begins=m", "")
    assert ">rita</a>" in (await house.get("rita", "/people?begins=ri")).text
    assert ">robot+ci</a>" not in (await house.get("otto", "/robots?begins=ci")).text


# --- Rights that were taken away while a page was open ---------------------------------------------------------------

#: What ada does as an owner of team: (page, form, fields). Each is refused once the grant is gone.
OPEN_PAGES = [
    ("/who?path=team", "/who/grant", {"principal": "otto", "role": "reader", "place": "team/"}),
    ("/who?path=team", "/who/robot", {"name": "late", "role": "reader", "place": "team/", "secret_days": "90"}),
    ("/robots/robot+ci", "/robots/robot+ci/secrets", {"label": "late", "days": "90"}),
    ("/robots/robot+ci", "/robots/robot+ci/lock", {"reason": "late"}),
    ("/robots/robot+ci", "/robots/robot+ci/remove", {"sure": "yes"}),
    ("/robots", "/robots", {"name": "late", "namespace": "team"}),
    (
        "/rules/tag-rules/-/new?path=team",
        "/rules/tag-rules/-/new",
        {"name": "late", "path": "team", "body": "semver: true"},
    ),
    ("/plans?path=team/", "/plans", {"path": "team/"}),
    ("/namespaces?path=team", "/namespaces", {"path": "team", "visibility": "public", "version": "1"}),
    ("/namespaces/remove?path=team", "/namespaces/remove", {"path": "team", "version": "1"}),
]


@pytest.mark.parametrize(("page", "form", "fields"), OPEN_PAGES)
async def test_a_page_that_was_open_does_nothing_once_the_right_is_gone(
    house: House, page: str, form: str, fields: dict[str, str]
) -> None:
    scene, ada = house.scene, house.browsers["ada"]
    assert (await ada.get(page)).status == 200
    grants = (await scene.identity.grants.page(PageRequest(100), principal="ada")).items
    for record in grants:
        await scene.identity.grants.remove(record.grant.id, scene.by())
    before = await told(scene)
    refused = await ada.submit(form, fields)
    assert refused.status in {403, 404}
    assert 'role="alert"' in refused.text or "<h1>Not allowed" in refused.text or "<h1>Nothing here" in refused.text
    assert await told(scene) == before


async def told(scene: Scene) -> list[object]:
    """What forms might have changed."""
    identity = scene.identity
    return [
        (await identity.grants.page(PageRequest(100))).items,
        (await identity.accounts.page(SubjectKind.ROBOT, PageRequest(100))).items,
        (await identity.secrets.of(PLAIN, PageRequest(100))).items,
        await identity.documents.all("tag-rule"),
        await identity.namespaces.get("team"),
        (await scene.memory.catalog.retention.plans.page(PageRequest(100))).items,
    ]
