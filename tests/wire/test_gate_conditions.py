"""Conditions of gates about what is inside an image, at the pull: exploited and old findings, licences, expressions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.content import Pushable, image
from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_gates import eventually_refused, holding, pushed, refusal
from tests.wire.test_inside import layer

pytestmark = pytest.mark.slow

#: What is wrong with it is known to be exploited, and its advisory is of January.
HIT = holding("exploited9", "1.0")
_APK = "P:{0}\nV:1.0-r0\nA:x86_64\nL:{1}\n\n"


def licensed(package: str, licence: str) -> Pushable:
    """An image of Alpine that holds one package."""
    files = {
        "etc/os-release": "ID=alpine\nVERSION_ID=3.20.1\n",
        "lib/apk/db/installed": _APK.format(package, licence),
    }
    return image(f"image of {package}", [layer(package, files)])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    settings = {"open": False, "admin_password": PASSWORD, "workers": 1}
    server = OrlopServer(tmp_path_factory.mktemp("conditions"), settings)
    server.start()
    try:
        made = Managed(server)
        record = json.loads(advisory("TEST-5", "exploited9", "2.0", aliases=["CVE-2026-5"]))
        exploited = [["CVE-2026-5", "2026-01-02", "", False]]
        made.ask("POST", "advisories", {"source": "test", "records": [record], "exploited": exploited})
        made.ask("POST", "users", {"name": "ann", "password": PASSWORD})
        made.ask("PUT", "users/ann/password", {"password": PASSWORD, "must_change": False})
        place = {"kind": "namespace", "path": "prod"}
        made.ask("POST", "grants", {"principal": "ann", "role": "reader", "place": place})
        yield made
    finally:
        server.kill()


def gated(api: Managed, path: str, **body: Any) -> None:
    api.put(f"gates/one?path={path}", {"mode": "enforce", **body})


def test_what_is_known_to_be_exploited_is_held_back_and_what_is_not_passes(api: Managed) -> None:
    gated(api, "prod/exploited", exploited=True)
    pushed(api, "prod/exploited/app", HIT, "1")
    said = eventually_refused(api, "prod/exploited/app", "1")
    begin = "gate one on prod/exploited refuses app:1: CVE-2026-5 in exploited9 1.0 is high and known to be exploited"
    assert said.startswith(f"{begin} and fixed in 2.0; ")
    pushed(api, "prod/exploited/app", holding("exploited9", "2.0"), "2")
    assert refusal(api, "prod/exploited/app", "2") == ""


@pytest.mark.parametrize(("name", "older", "held"), [("old", "14d", True), ("young", "9999d", False)])
def test_of_findings_those_count_whose_advisory_is_old_enough(api: Managed, name: str, older: str, held: bool) -> None:
    gated(api, f"prod/{name}", exploited=True, older_than=older)
    pushed(api, f"prod/{name}/app", HIT, "1")
    said = eventually_refused(api, f"prod/{name}/app", "1", held)
    assert ("CVE-2026-5" in said) is held


def test_a_package_under_a_licence_that_a_rule_refuses_is_held_back(api: Managed) -> None:
    api.put("licence-rules/house?path=prod/licences", {"refused": ["AGPL-*"]})
    gated(api, "prod/licences", deny_licences=True)
    pushed(api, "prod/licences/app", licensed("strict9", "AGPL-3.0-only"), "1")
    said = refusal(api, "prod/licences/app", "1")
    assert said.startswith("gate one on prod/licences refuses app:1: the licence of strict9 1.0-r0 ")
    assert "AGPL-3.0-only" in said
    pushed(api, "prod/licences/app", licensed("free9", "MIT"), "2")
    assert refusal(api, "prod/licences/app", "2") == ""
    accepted = {"licences": ["AGPL-3.0-only"], "until": "2099-01-31", "reason": "it is not given away"}
    api.put("exceptions/strict?path=prod/licences", accepted)
    assert refusal(api, "prod/licences/app", "1") == ""


def test_an_expression_is_asked_at_the_pull_and_at_the_push(api: Managed) -> None:
    pulled = "size(findings.filter(f, f.exploited)) == 0 && counts.critical == 0"
    gated(api, "prod/asked", expression=pulled)
    pushed(api, "prod/asked/app", HIT, "1")
    begin = "gate one on prod/asked refuses app:1: "
    assert eventually_refused(api, "prod/asked/app", "1").startswith(f"{begin}{pulled} is not so; build it so that")
    pushed(api, "prod/asked/app", holding("exploited9", "2.1"), "2")
    assert refusal(api, "prod/asked/app", "2") == ""
    gated(api, "prod/put", on=["push"], expression="image.size < 0")
    with pytest.raises(AssertionError) as refused:
        api.push("prod/put/app", HIT, "1")
    begin = f"gate one on prod/put refuses app@{str(HIT.digest)[:19]}: "
    assert f"{begin}image.size < 0 is not so; " in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("image.size / 2", "it gives int, and has to give bool"),
        ("image.user >", "mismatched input"),
        ("f(image.user)", "undeclared reference to 'f'"),
    ],
)
def test_an_expression_that_is_no_question_is_refused_when_the_gate_is_set(
    api: Managed, expression: str, why: str
) -> None:
    said = api.refused("PUT", "gates/bad?path=prod/bad", {"expression": expression}, status=400)
    assert why in json.dumps(said)


def test_one_that_loops_is_bounded_when_it_is_run(api: Managed) -> None:
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    loop = "".join(f"{ten}.all({name}, " for name in "abcdef") + "true" + ")" * 6
    gated(api, "prod/loop", expression=loop)
    api.push("prod/loop/app", HIT, "1")
    assert " cannot be answered: " in refusal(api, "prod/loop/app", "1")
    api.push("prod/free/app", HIT, "1")
    assert refusal(api, "prod/free/app", "1") == ""
