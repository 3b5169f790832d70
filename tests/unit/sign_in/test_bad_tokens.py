"""More than a hundred tokens that must not be believed, and good ones where they are not good any more."""

import msgspec
import pytest

from orlop.domain.access import ANONYMOUS, ROLES, Action, Caller, Limit, Place, PlaceKind, Visibility
from orlop.domain.access.scopes import MEANS, VERBS, parse_scopes
from orlop.domain.errors import Denied, NameUnknown, RegistryError, Unauthorized
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.identity import Group, Namespace
from tests.content import image
from tests.contract.scene import Scene as Pushing
from tests.unit.sign_in.bad_tokens import FORGED, UNTRUE, Forger
from tests.unit.sign_in.scene import HOME, PASSWORD, Scene, basic, bearer, decoded


async def good(scene: Scene) -> str:
    """A token of somebody who may read one repository."""
    if await scene.identity.accounts.get("alice") is None:
        await scene.user("admin", None)
        await scene.user("alice", None)
        await scene.grant("alice", "reader", "team/app")
    return await scene.token("alice", "repository:team/app:pull")


async def refused(scene: Scene, header: str) -> Unauthorized:
    """Why a header is not believed."""
    with pytest.raises(Unauthorized) as refusal:
        await scene.caller(header)
    return refusal.value


def test_there_are_more_than_a_hundred() -> None:
    assert len(FORGED) + len(UNTRUE) > 140


async def test_the_one_they_are_made_from_is_good(scene: Scene) -> None:
    caller = await scene.caller(bearer(await good(scene)))
    await scene.access.check(caller, Action.PULL, repository="team/app")


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_that_is_not_ours(scene: Scene, name: str) -> None:
    token = await good(scene)
    [public] = await scene.sign_in.signing.public_keys()
    forged = FORGED[name](Forger(token, dict(public)))
    assert forged != token
    refusal = await refused(scene, bearer(forged))
    assert refusal.reason in {"invalid_token", "invalid_request"} or "longer than" in refusal.message
    assert forged[:40] not in refusal.message
    if forged:
        await refused(scene, basic("alice", forged))
    assert (await scene.caller(bearer(token))).subject.name == "alice", "and the good one stays good"


@pytest.mark.parametrize("name", UNTRUE)
async def test_a_token_that_only_we_could_have_signed(scene: Scene, name: str) -> None:
    claims = msgspec.json.decode(decoded((await good(scene)).split(".")[1]))
    change, message = UNTRUE[name]
    content = change(claims)
    payload = content if isinstance(content, bytes) else msgspec.json.encode(content)
    signing = scene.sign_in.signing
    token = signing._signer.sign(await signing._signing_key(), payload)
    refusal = await refused(scene, bearer(token))
    assert message in refusal.message
    assert refusal.reason == "invalid_token"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_read_in_any_case(scene: Scene, scheme: str) -> None:
    token = await good(scene)
    assert (await scene.caller(f"{scheme} {token}")).subject.name == "alice"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer {}, Bearer {}",
        "Bearer {} {}",
        "Bearer {},",
        "Bearer\t{}",
        "{}",
        "Token {}",
        "Bearer",
        "Bearer:{}",
        "Bearer ={}",
        'Bearer "{}"',
        "Basic {}",
        "Negotiate {}",
    ],
)
async def test_a_good_token_in_a_bad_header(scene: Scene, header: str) -> None:
    await refused(scene, header.replace("{}", await good(scene)))


async def test_a_token_of_another_registry(scene: Scene) -> None:
    other = Scene()
    token = await good(other)
    other.close()
    await good(scene)
    assert "not one of this registry" in (await refused(scene, bearer(token))).message


async def test_a_token_of_a_key_that_is_over(scene: Scene) -> None:
    token = await good(scene)
    scene.clock.forward(100 * 24 * 3600)
    await scene.sign_in.signing.rotate()
    await refused(scene, bearer(token))


async def test_a_token_replayed_after_its_end(scene: Scene) -> None:
    token = await good(scene)
    await scene.caller(bearer(token))
    scene.clock.forward(299)
    await scene.caller(bearer(token))
    scene.clock.forward(1)
    assert "expired" in (await refused(scene, bearer(token))).message, "what is remembered ends, too"


async def test_a_token_replayed_after_the_repository_was_deleted_and_made_anew(scene: Scene) -> None:
    """What stood under a name before is nobody's key to what stands there now."""
    await good(scene)
    name = RepositoryName("team/app")
    await push(scene, name)
    token = await good(scene)
    caller = await scene.caller(bearer(token))
    await scene.access.check(caller, Action.PULL, repository=name)
    await scene.memory.catalog.repositories.remove(name, scene.by())
    await push(scene, name)
    with pytest.raises(Unauthorized, match="deleted since") as replayed:
        await scene.access.check(await scene.caller(bearer(token)), Action.PULL, repository=name)
    assert replayed.value.reason == "insufficient_scope", "so that the client fetches another"
    caller = await scene.caller(bearer(await good(scene)))
    await scene.access.check(caller, Action.PULL, repository=name)


async def test_a_token_replayed_after_its_owner_left_the_group(scene: Scene) -> None:
    """zot CVE-2025-23208: who was taken out of a group kept what it had given them."""
    await scene.user("bob", None)
    await scene.identity.groups.add(Group(name="devs"), scene.by())
    await scene.identity.members.set("devs", add=["bob"], by=scene.by())
    await scene.grant("group:devs", "publisher", "team/app")
    header = bearer(await scene.token("bob", "repository:team/app:pull,push"))
    await scene.access.check(await scene.caller(header), Action.PUSH_NEW, repository="team/app")
    await scene.identity.members.set("devs", remove=["bob"], by=scene.by())
    with pytest.raises((Denied, NameUnknown)):
        await scene.access.check(await scene.caller(header), Action.PUSH_NEW, repository="team/app")


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("repository:team/app:pull", ["pull"]),
        ("repository:team/app:pull,push", ["pull"]),
        ("repository:team/app:push", None),
        ("repository:team/app:delete", None),
        ("repository:team/app:*", ["pull"]),
        ("repository:team/app:pull,push,delete,*", ["pull"]),
        ("repository:team/app:admin", None),
        ("repository:team/app:PULL", None),
        ("repository:team/app:", None),
        ("repository:team/other:pull", None),
        ("repository:team/app2:pull", None),
        ("repository:team:pull", None),
        ("repository:*:pull", None),
        ("repository:**:pull", None),
        ("repository:team/*:pull", None),
        ("repository:../team/app:pull", None),
        ("repository:team/app/:pull", None),
        ("repository:TEAM/app:pull", None),
        ("repository:team%2fapp:pull", None),
        ("repository(plugin):team/app:pull", ["pull"]),
        ("registry:catalog:*", ["list"]),
        ("registry:catalog:pull", None),
        ("registry:admin:*", None),
        ("aws:arn:*", None),
        ("::", None),
        ("", None),
    ],
)
async def test_a_scope_that_asks_for_more_than_its_owner_may(
    scene: Scene, scope: str, granted: list[str] | None
) -> None:
    """Harbor CVE-2019-16097: who asked to be an administrator was made one. What is asked for is no right."""
    await good(scene)
    claims = msgspec.json.decode(decoded((await scene.token("alice", scope)).split(".")[1]))
    assert [each["actions"] for each in claims["access"]] == ([granted] if granted else [])


@pytest.mark.parametrize("held", ["password", "token for pull"])
@pytest.mark.parametrize("role", ROLES)
async def test_no_token_claims_what_its_subject_may_not_do(scene: Scene, role: str, held: str) -> None:
    """Others who have the public keys believe what it says."""
    await scene.user("alice")
    await scene.grant("alice", role)
    pulling = (Limit(VERBS["pull"], Place(PlaceKind.REGISTRY)),)
    secret = await scene.secret("alice", limits=pulling) if held != "password" else PASSWORD
    caller = await scene.caller(basic("alice", secret))
    for verbs in ("*", "pull", "push", "delete", "pull,push", "push,*"):
        scopes = parse_scopes([f"repository:team/app:{verbs}", "registry:catalog:*"])
        for each in (await scene.sign_in.tokens.mint(caller, scopes)).access:
            where = "team/app" if each.type == "repository" else None
            for verb in each.actions:
                means = MEANS[verb] if verb in MEANS else {Action(verb)}
                if where is None:  # the list of repositories: all of it, or what its reader may see
                    means = {Action.LIST} if verb == "*" else set()
                for action in means:
                    assert await scene.access.allows(caller, action, repository=where), (verbs, each, action)


async def test_a_star_is_no_more_than_its_owner_may(scene: Scene) -> None:
    await good(scene)
    caller = await scene.caller(bearer(await scene.token("alice", "repository:team/app:*")))
    await scene.access.check(caller, Action.PULL, repository="team/app")
    for action in (Action.PUSH_NEW, Action.DELETE, Action.ADMIN, Action.SYSTEM):
        with pytest.raises(RegistryError):
            await scene.access.check(caller, action, repository="team/app")


async def test_no_token_is_fetched_with_a_token(scene: Scene) -> None:
    caller = await scene.caller(bearer(await good(scene)))
    with pytest.raises(Unauthorized, match="a token cannot fetch another"):
        await scene.sign_in.tokens.mint(caller, ())


async def test_a_token_for_nobody_is_for_what_everybody_may(scene: Scene) -> None:
    await scene.identity.namespaces.put(Namespace(path="open", visibility=Visibility.PUBLIC), scene.by())
    scopes = parse_scopes(["repository:open/app:pull,push repository:team/app:pull"])
    minted = await scene.sign_in.tokens.mint(Caller(ANONYMOUS, HOME), scopes)
    assert [(each.name, each.actions) for each in minted.access] == [("open/app", ("pull",))]
    caller = await scene.caller(bearer(minted.token))
    await scene.access.check(caller, Action.PULL, repository="open/app")
    await scene.access.check(caller, Action.PING)  # a client learns that its token is one
    for action, repository in ((Action.PUSH_NEW, "open/app"), (Action.PULL, "team/app"), (Action.SYSTEM, None)):
        with pytest.raises(RegistryError):
            await scene.access.check(caller, action, repository=repository)
    await scene.identity.namespaces.put(Namespace(path="open", visibility=Visibility.PRIVATE), scene.by())
    with pytest.raises(Unauthorized):
        await scene.access.check(await scene.caller(bearer(minted.token)), Action.PULL, repository="open/app")


async def push(scene: Scene, name: RepositoryName) -> None:
    """Make a repository as a push does."""
    await Pushing(scene.memory.catalog, at=scene.clock.at).push(name, image("one"), Tag("v1"))
