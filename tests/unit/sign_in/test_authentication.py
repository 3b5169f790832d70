"""Who a request comes from, by whatever it shows; and that what was good once is asked for anew when it may not be."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.domain.access import ANONYMOUS, Action, Limit, Place, PlaceKind, SubjectKind
from orlop.domain.errors import TooManyRequests, Unauthorized, Unavailable
from orlop.domain.identity.authorization import Basic
from orlop.domain.pages import PageRequest
from orlop.ports.clock import SECOND
from orlop.ports.credentials import PasswordHasher
from orlop.ports.identity import AccountChange
from orlop.ports.sign_on import ExternalIdentity, Vouched
from orlop.services.identity.passwords import WRONG
from tests.unit.sign_in.scene import ELSEWHERE, HOME, PASSWORD, START, Scene, basic, bearer

DAY = 24 * 3600
PULL_APP = (Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, "team/app")),)


class Directory:
    """Somebody else who knows passwords. See ports.sign_on.PasswordSource."""

    def __init__(self, source: str, people: dict[str, str], *, gone: bool = False) -> None:
        self.source = source
        self.people = people
        self.gone = gone
        self.asked: list[str] = []

    async def verify(self, name: str, password: str) -> ExternalIdentity | None:
        self.asked.append(name)
        if self.gone:
            raise Unavailable("the directory cannot be reached")
        if not password or self.people.get(name) != password:
            return None
        return ExternalIdentity(source=self.source, authority="dc=corp", external=f"id of {name}", name=name)


class Issuer:
    """Somebody else who makes tokens. See ports.sign_on.TokenSource."""

    def __init__(self, tokens: dict[str, Vouched]) -> None:
        self.tokens = tokens

    async def verify(self, token: str) -> Vouched | None:
        if token.startswith("eyJbad"):
            raise Unauthorized("the token's issuer is trusted, but its signature is wrong")
        return self.tokens.get(token)


class CountingHasher:
    """A hasher that counts what it computes."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.computed = 0

    async def hash(self, password: str) -> str:
        self.computed += 1
        return await self._hasher.hash(password)

    async def verify(self, hash: str | None, password: str) -> bool:  # noqa: A002
        self.computed += 1
        return await self._hasher.verify(hash, password)


def counting(scene: Scene) -> CountingHasher:
    """Count what the scene computes."""
    counter = CountingHasher(scene.sign_in.hasher)
    scene.sign_in.passwords._hasher = counter
    return counter


@pytest.fixture
def federated() -> Iterator[Scene]:
    """A registry with two directories and an issuer of tokens."""
    robot = Vouched("robot+ci", "trust github: repo:acme/app", START + 600 * SECOND)
    scene = Scene(
        password_sources=[
            Directory("corp", {"carol": "carols phrase"}),
            Directory("partner", {"dave": "daves phrase"}),
        ],
        token_sources=[Issuer({}), Issuer({"eyJ.good.one": robot, "opaque": robot})],
    )
    yield scene
    scene.close()


# --- What is shown ----------------------------------------------------------------------------------------------------


async def test_nothing_shown_is_nobody(scene: Scene) -> None:
    caller = await scene.caller("")
    assert caller.subject == ANONYMOUS
    assert (caller.address, caller.request) == (HOME, "r-1")


async def test_a_password(scene: Scene) -> None:
    account = await scene.user("alice")
    subject = (await scene.caller(basic("alice", PASSWORD))).subject
    assert (subject.name, subject.id, subject.kind) == ("alice", account.id, SubjectKind.USER)
    assert (subject.credential, subject.credential_id, subject.limits) == ("password", 0, None)


async def test_a_password_with_accents_however_they_are_composed(scene: Scene) -> None:
    await scene.user("alice", "un caf\u00e9 tr\u00e8s long")
    assert (await scene.caller(basic("alice", "un cafe\u0301 tre\u0300s long"))).subject.name == "alice"


@pytest.mark.parametrize("shown", ["basic", "bearer"])
async def test_a_personal_access_token(scene: Scene, shown: str) -> None:
    await scene.user("alice")
    token = await scene.secret("alice", limits=PULL_APP)
    subject = (await scene.caller(basic("alice", token) if shown == "basic" else bearer(token))).subject
    assert subject.name == "alice"
    assert subject.credential.startswith("token ")
    assert "laptop" in subject.credential
    assert token not in subject.credential
    assert subject.limits is None, "its limits are asked for at each request"
    assert (await scene.access.rights(subject)).limits == PULL_APP


async def test_a_robots_secret(scene: Scene) -> None:
    await scene.robot("robot+ci")
    secret = await scene.secret("robot+ci", "robot")
    subject = (await scene.caller(basic("robot+ci", secret))).subject
    assert (subject.name, subject.kind) == ("robot+ci", SubjectKind.ROBOT)


async def test_two_secrets_of_a_robot_are_good_at_once(scene: Scene) -> None:
    await scene.robot("robot+ci")
    for _ in range(2):
        secret = await scene.secret("robot+ci", "robot")
        assert (await scene.caller(basic("robot+ci", secret))).subject.name == "robot+ci"


async def test_a_token_that_was_fetched(scene: Scene) -> None:
    await scene.user("alice")
    await scene.grant("alice", "reader")
    token = await scene.token("alice", "repository:team/app:pull,push")
    caller = await scene.caller(bearer(token))
    assert caller.subject.name == "alice"
    assert caller.subject.limits is not None
    assert (await scene.access.decide(caller, Action.PULL, repository="team/app")).allowed
    with pytest.raises(Unauthorized) as narrow:
        await scene.access.check(caller, Action.PULL, repository="team/other")
    assert narrow.value.reason == "insufficient_scope"


async def test_a_password_that_a_directory_knows(federated: Scene) -> None:
    subject = (await federated.caller(basic("dave", "daves phrase"))).subject
    assert (subject.name, subject.credential) == ("dave", "password (partner)")
    account = await federated.identity.accounts.get("dave")
    assert account is not None
    assert (account.source, account.external) == ("partner", "id of dave")
    again = (await federated.caller(basic("dave", "daves phrase"), address=ELSEWHERE)).subject
    assert again.id == account.id


@pytest.mark.parametrize(
    ("name", "token"), [("oidc", "eyJ.good.one"), ("anything", "eyJ.good.one"), ("oidc", "opaque")]
)
async def test_a_token_that_somebody_else_made(federated: Scene, name: str, token: str) -> None:
    await federated.robot("robot+ci")
    for header in (basic(name, token), bearer(token)):
        subject = (await federated.caller(header)).subject
        assert (subject.name, subject.kind) == ("robot+ci", SubjectKind.ROBOT)
        assert subject.credential == "trust github: repo:acme/app"


async def test_where_everybody_may_do_everything_nobody_is_asked() -> None:
    scene = Scene(open=True)
    for header in ("", "garbage", basic("alice", "wrong"), bearer("x")):
        assert (await scene.caller(header)).subject == ANONYMOUS
    scene.close()


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("alice", "wrong", WRONG),
        ("alice", PASSWORD + " ", WRONG),
        ("alice", PASSWORD.upper(), WRONG),
        ("Alice", PASSWORD, WRONG),
        ("nobody", PASSWORD, WRONG),
        ("robot+ci", PASSWORD, WRONG),
        ("anonymous", PASSWORD, WRONG),
        ("orlop", PASSWORD, WRONG),
        ("without", "", "the password is empty"),
        ("without", "anything", WRONG),
        ("alice", "", "the password is empty"),
        ("alice", PASSWORD + "\0", "the password has a NUL character in it"),
        ("alice", "\0", "the password has a NUL character in it"),
        ("alice", "x" * 2000, "a password has at most 1024 bytes"),
        ("oidc", "opaque", "nobody here vouches for this token; ask an administrator to trust its issuer"),
        ("alice", "eyJ.is.none", WRONG),
        ("alice", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA", WRONG),
    ],
)
async def test_what_is_wrong_is_refused(scene: Scene, name: str, password: str, message: str) -> None:
    await scene.user("alice")
    await scene.user("without", None)
    await scene.robot("robot+ci")
    with pytest.raises(Unauthorized) as refused:
        await scene.caller(basic(name, password))
    assert refused.value.message == message
    with pytest.raises(Unauthorized):
        await scene.caller(basic(name, password))


@pytest.mark.parametrize("password", ["", "\0", "phrase\0", "x" * 2000])
async def test_what_is_no_password_is_shown_to_no_directory(federated: Scene, password: str) -> None:
    """A simple bind with an empty password succeeds for anybody (RFC 4513, section 5.1.2)."""
    with pytest.raises(Unauthorized):
        await federated.caller(basic("carol", password))
    assert [source.asked for source in federated.sources.passwords] == [[], []]


async def test_a_wrong_password_of_an_account_here_is_shown_to_no_directory(federated: Scene) -> None:
    await federated.user("alice")
    await federated.user("nologin", None)
    for name in ("alice", "nologin"):
        with pytest.raises(Unauthorized):
            await federated.caller(basic(name, "carols phrase"))
    assert [source.asked for source in federated.sources.passwords] == [[], []]


async def test_a_directory_that_cannot_be_asked_is_no_refusal(federated: Scene) -> None:
    first = federated.sources.passwords[0]
    first.gone = True
    assert (await federated.caller(basic("dave", "daves phrase"))).subject.name == "dave"
    for _ in range(10):
        with pytest.raises(Unavailable):
            await federated.caller(basic("carol", "carols phrase"))
    first.gone = False
    assert (await federated.caller(basic("carol", "carols phrase"))).subject.name == "carol", "nor counted as one"


@pytest.mark.parametrize(
    "shown", ["cut", "unknown", "of another", "revoked", "expired", "for fetching alone", "changed"]
)
async def test_secrets_that_are_no_good(scene: Scene, shown: str) -> None:
    await scene.user("alice")
    await scene.user("bob")
    token = await scene.secret("alice", "refresh" if shown == "for fetching alone" else "token", expires_at=START + DAY)
    name = "alice"
    match shown:
        case "cut":
            token = token[:-1]
        case "unknown":
            other = Scene()
            await other.user("alice", None)
            other.draw.rolled = 1000
            token = await other.secret("alice")
            other.close()
        case "of another":
            name = "bob"
        case "revoked":
            [secret] = (await scene.identity.secrets.of("alice", PageRequest())).items
            await scene.identity.secrets.revoke("alice", secret.id, scene.by())
        case "expired":
            scene.clock.at = START + DAY
        case "changed":
            lookup = token.split("_")[2]
            token = await scene.secret("bob")
            token = token.replace(token.split("_")[2], lookup)
    with pytest.raises(Unauthorized) as refused:
        await scene.caller(basic(name, token))
    assert token not in refused.value.message
    assert [failed.name for failed in scene.failures] == [name]


async def test_a_disabled_account_is_refused_whatever_it_shows(scene: Scene) -> None:
    await scene.user("alice")
    token = await scene.secret("alice")
    await scene.identity.accounts.change("alice", AccountChange(disabled="left"), scene.by())
    for shown in (PASSWORD, token):
        with pytest.raises(Unauthorized, match="alice is disabled: left"):
            await scene.caller(basic("alice", shown))


async def test_whether_an_account_is_disabled_is_told_only_to_who_has_its_password(scene: Scene) -> None:
    await scene.user("alice")
    await scene.identity.accounts.change("alice", AccountChange(disabled="left"), scene.by())
    with pytest.raises(Unauthorized) as refused:
        await scene.caller(basic("alice", "wrong"))
    assert refused.value.message == WRONG


async def test_an_account_that_must_change_its_password_can_do_nothing_else(scene: Scene) -> None:
    await scene.user("alice", must_change=True)
    token = await scene.secret("alice")
    for shown in (PASSWORD, token):
        with pytest.raises(Unauthorized, match="choose another password first"):
            await scene.caller(basic("alice", shown))
    caller = await scene.sign_in.authentication.caller_for_password_change(
        basic("alice", PASSWORD), address=HOME, request="r"
    )
    assert caller.subject.name == "alice"


@pytest.mark.parametrize("shown", ["nothing", "token", "bearer", "wrong", "directory"])
async def test_only_the_password_itself_gives_the_right_to_another(federated: Scene, shown: str) -> None:
    await federated.user("alice")
    header = {
        "nothing": "",
        "token": basic("alice", await federated.secret("alice")),
        "bearer": bearer(await federated.token("alice")),
        "wrong": basic("alice", "wrong"),
        "directory": basic("carol", "carols phrase"),
    }[shown]
    with pytest.raises(Unauthorized):
        await federated.sign_in.authentication.caller_for_password_change(header, address=HOME, request="r")


async def test_a_password_alone_is_not_enough_for_who_has_a_second_factor(scene: Scene) -> None:
    await scene.user("alice")
    await scene.identity.passwords.set_factors("alice", b"{}", ["totp"], scene.by())
    with pytest.raises(Unauthorized, match="use a personal access token"):
        await scene.caller(basic("alice", PASSWORD))
    with pytest.raises(Unauthorized, match="second factor"):
        await scene.sign_in.authentication.caller_for_password_change(
            basic("alice", PASSWORD), address=HOME, request="r"
        )
    token = await scene.secret("alice")
    assert (await scene.caller(basic("alice", token))).subject.name == "alice"
    asked = await scene.sign_in.passwords.account("alice", PASSWORD, address=HOME, request="r")
    assert asked.second_factors == ("totp",), "who asks for the factor learns that the password is right"


async def test_a_foreign_token_that_is_forged_or_stands_for_nobody(federated: Scene) -> None:
    with pytest.raises(Unauthorized, match="its signature is wrong"):
        await federated.caller(bearer("eyJbad.b.c"))
    with pytest.raises(Unauthorized, match="the robot robot"):
        await federated.caller(bearer("eyJ.good.one"))
    await federated.robot("robot+ci")
    await federated.identity.accounts.change("robot+ci", AccountChange(disabled="paused"), federated.by())
    with pytest.raises(Unauthorized, match="disabled: paused"):
        await federated.caller(bearer("eyJ.good.one"))
    assert len(federated.failures) == 3


# --- Guessing ---------------------------------------------------------------------------------------------------------


async def test_missing_and_wrong_cost_the_same_and_sound_the_same(federated: Scene) -> None:
    """Equal time for accounts that are there and that are not: so many hashes, so many questions, the same words."""
    await federated.user("alice")
    await federated.robot("robot+ci")
    counter = counting(federated)
    heard = []
    for name in ("alice", "missing", "robot+ci", "Not A Name", "carol"):
        before, scenes = counter.computed, len(federated.failures)
        with pytest.raises(Unauthorized) as refused:
            await federated.caller(basic(name, "wrong"))
        heard.append((counter.computed - before, refused.value.message, len(federated.failures) - scenes))
    assert heard == [(1, WRONG, 1)] * 5


@pytest.mark.parametrize("name", ["alice", "missing"])
async def test_who_guesses_has_to_wait_whether_or_not_there_is_such_an_account(scene: Scene, name: str) -> None:
    await scene.user("alice")
    counter = counting(scene)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await scene.caller(basic(name, "wrong"))
    with pytest.raises(
        TooManyRequests, match="too many attempts to sign in have failed; try again in 1 seconds"
    ) as sent:
        await scene.caller(basic(name, PASSWORD))
    assert sent.value.retry_after == 1
    assert counter.computed == 5, "a guess that has to wait is not even looked at"


SPELLINGS = ("leo", "LEO", "leo ", " Leo", "ｌｅｏ", "𝓵𝓮𝓸", "l\u00e9o")


@pytest.mark.parametrize("door", ["basic", "token", "page"])
async def test_guesses_at_one_account_of_a_directory_are_counted_together_however_it_is_spelled(door: str) -> None:
    corp = Directory("corp", {"leo": "leos phrase"})
    scene = Scene(password_sources=[corp])
    ways = scene.sign_in

    async def tried(name: str, password: str) -> None:
        if door == "token":
            await ways.authentication.proof(Basic(name, password), address=HOME, request="r")
        elif door == "page":
            await ways.passwords.account(name, password, address=HOME, request="r")
        else:
            await scene.caller(basic(name, password))

    try:
        for name in SPELLINGS[:5]:
            with pytest.raises(Unauthorized):
                await tried(name, "wrong")
        for name in SPELLINGS:
            with pytest.raises(TooManyRequests):
                await tried(name, "leos phrase")
        assert corp.asked == ["leo"] * 5, "it is asked as it compares"
        scene.clock.forward(2)
        await tried("LEO ", "leos phrase")
        account = await scene.identity.accounts.get("leo")
        assert account is not None
        assert account.source == "corp"
    finally:
        scene.close()


async def test_names_that_are_kept_here_are_typed_as_they_are_and_those_of_a_directory_in_any_way(
    federated: Scene,
) -> None:
    await federated.user("leo")
    for shown in (PASSWORD, await federated.secret("leo")):
        for name in ("LEO", "leo ", "ｌｅｏ"):
            with pytest.raises(Unauthorized):
                await federated.caller(basic(name, shown))
    assert (await federated.caller(basic("Carol", "carols phrase"))).subject.name == "carol"
    token = await federated.secret("carol")
    assert (await federated.caller(basic("CAROL", token))).subject.name == "carol"


async def test_who_has_the_right_password_gets_in_from_elsewhere_and_after_the_wait(scene: Scene) -> None:
    await scene.user("alice")
    for _ in range(8):
        scene.clock.forward(600)
        with pytest.raises(Unauthorized):
            await scene.caller(basic("alice", "wrong"))
    with pytest.raises(TooManyRequests):
        await scene.caller(basic("alice", PASSWORD))
    await scene.caller(basic("alice", PASSWORD), address=ELSEWHERE)
    scene.clock.forward(600)
    await scene.caller(basic("alice", PASSWORD))


async def test_guesses_that_are_sent_at_once_are_counted_one_after_the_other(scene: Scene) -> None:
    await scene.user("alice")
    counter = counting(scene)
    guesses = [scene.caller(basic("alice", f"guess {number}")) for number in range(20)]
    done = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(each, TooManyRequests) for each in done) == 15
    assert counter.computed == 5


async def test_a_crowd_from_one_address_is_sent_away_before_it_waits(scene: Scene) -> None:
    await scene.user("alice")
    guesses = [scene.caller(basic(f"user{number}", "guess")) for number in range(60)]
    done = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(each, TooManyRequests) for each in done) == 28
    assert (await scene.caller(basic("alice", PASSWORD))).subject.name == "alice"


async def test_tokens_and_secrets_are_not_locked_out(scene: Scene) -> None:
    await scene.user("alice")
    token = await scene.secret("alice")
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await scene.caller(basic("alice", "wrong"))
    assert (await scene.caller(basic("alice", token))).subject.name == "alice"


async def test_a_failure_names_who_was_tried_and_never_the_password(scene: Scene) -> None:
    await scene.user("alice")
    for name, shown in (("alice", "alice"), ("x" * 400, "x" * 128), ("a\u202eb", "")):
        with pytest.raises(Unauthorized):
            await scene.caller(basic(name, "my wrong phrase"))
        if shown:
            assert scene.failures[-1].name == shown
        assert scene.failures[-1].address == HOME
        assert "phrase" not in repr(scene.failures)


# --- What is remembered ---------------------------------------------------------------------------------------------


async def test_what_was_found_good_is_not_looked_at_again(scene: Scene) -> None:
    await scene.user("alice")
    counter = counting(scene)
    for _ in range(20):
        await scene.caller(basic("alice", PASSWORD))
    assert counter.computed == 1


async def test_a_password_is_looked_at_again_after_a_minute(scene: Scene) -> None:
    await scene.user("alice")
    counter = counting(scene)
    await scene.caller(basic("alice", PASSWORD))
    scene.clock.forward(59)
    await scene.caller(basic("alice", PASSWORD))
    assert counter.computed == 1
    scene.clock.forward(1)
    await scene.caller(basic("alice", PASSWORD))
    assert counter.computed == 2


async def test_a_changed_password_counts_at_the_next_request(scene: Scene) -> None:
    await scene.user("alice")
    await scene.caller(basic("alice", PASSWORD))
    kept = await scene.sign_in.hasher.hash("another long phrase")
    await scene.identity.passwords.set("alice", kept, must_change=False, by=scene.by())
    with pytest.raises(Unauthorized):
        await scene.caller(basic("alice", PASSWORD))
    await scene.caller(basic("alice", "another long phrase"))


async def test_a_clock_that_is_set_back_makes_nothing_hold_longer(scene: Scene) -> None:
    await scene.user("alice")
    counter = counting(scene)
    await scene.caller(basic("alice", PASSWORD))
    scene.clock.forward(-3600)
    await scene.caller(basic("alice", PASSWORD))
    assert counter.computed == 2


async def test_a_foreign_token_is_believed_until_it_ends(federated: Scene) -> None:
    await federated.robot("robot+ci")
    issuer = federated.sources.tokens[1]
    await federated.caller(bearer("eyJ.good.one"))
    issuer.tokens = {}
    federated.clock.forward(599)
    await federated.caller(bearer("eyJ.good.one"))
    federated.clock.forward(1)
    with pytest.raises(Unauthorized):
        await federated.caller(bearer("eyJ.good.one"))


@pytest.mark.parametrize("change", ["disabled", "removed", "revoked", "grant removed"])
@pytest.mark.parametrize("shown", ["secret", "token of a secret"])
async def test_a_right_that_is_taken_away_counts_at_the_next_request(scene: Scene, change: str, shown: str) -> None:
    await scene.user("alice")
    grant = await scene.grant("alice", "reader")
    secret = await scene.secret("alice")
    header = basic("alice", secret)
    if shown != "secret":
        header = bearer(await scene.token("alice", "repository:app:pull", secret=secret))
    caller = await scene.caller(header)
    await scene.access.check(caller, Action.PULL, repository="app")
    match change:
        case "disabled":
            await scene.identity.accounts.change("alice", AccountChange(disabled="left"), scene.by())
        case "removed":
            await scene.identity.accounts.remove("alice", scene.by())
        case "revoked":
            await scene.identity.secrets.revoke("alice", caller.subject.credential_id, scene.by())
        case "grant removed":
            await scene.identity.grants.remove(grant, scene.by())
    with pytest.raises(Exception) as refused:
        await scene.access.check(await scene.caller(header), Action.PULL, repository="app")
    assert type(refused.value).__name__ in {"Unauthorized", "Denied", "NameUnknown"}


async def test_a_removed_account_is_not_the_next_of_its_name(scene: Scene) -> None:
    """Privilege never follows from a name: a token is for an account, not for what it was called."""
    await scene.user("alice")
    await scene.grant("alice", "reader")
    header = bearer(await scene.token("alice", "repository:app:pull"))
    await scene.identity.accounts.remove("alice", scene.by())
    await scene.user("alice")
    await scene.grant("alice", "admin")
    with pytest.raises(Unauthorized, match="gone"):
        await scene.access.check(await scene.caller(header), Action.PULL, repository="app")


async def test_many_requests_with_one_credential_look_at_it_once(scene: Scene) -> None:
    await scene.user("alice")
    counter = counting(scene)
    callers = await asyncio.gather(*(scene.caller(basic("alice", PASSWORD)) for _ in range(100)))
    assert {caller.subject.name for caller in callers} == {"alice"}
    assert counter.computed == 1


async def test_who_goes_away_does_not_spoil_it_for_the_others(scene: Scene) -> None:
    await scene.user("alice")
    first, second = (asyncio.ensure_future(scene.caller(basic("alice", PASSWORD))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).subject.name == "alice"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_no_more_is_remembered_than_there_is_room_for(scene: Scene) -> None:
    await scene.robot("robot+ci")
    remembered = scene.sign_in.authentication._remembered
    remembered._most = 3
    for _ in range(6):
        await scene.caller(bearer(await scene.secret("robot+ci", "robot")))
    assert len(remembered._kept) == 3


async def test_what_is_remembered_is_no_credential(scene: Scene) -> None:
    await scene.user("alice")
    await scene.caller(basic("alice", PASSWORD))
    kept = repr(scene.sign_in.authentication._remembered._kept)
    assert PASSWORD not in kept
    assert basic("alice", PASSWORD).split()[1] not in kept
    other = scene.worker().authentication._remembered
    header = basic("alice", PASSWORD)
    assert other.key(header) != scene.sign_in.authentication._remembered.key(header), "its key is the process's own"


# --- Uses -----------------------------------------------------------------------------------------------------------


async def test_uses_are_written_in_batches(scene: Scene) -> None:
    await scene.user("alice")
    secret = await scene.secret("alice")
    for _ in range(3):
        scene.clock.forward(10)
        await scene.caller(basic("alice", secret), address=ELSEWHERE)
    account = await scene.identity.accounts.get("alice")
    assert account is not None
    assert account.used_at == 0
    assert await scene.sign_in.uses.flush() == 2
    assert await scene.sign_in.uses.flush() == 0
    account = await scene.identity.accounts.get("alice")
    assert account is not None
    assert (account.used_at, account.used_from) == (START + 30 * SECOND, ELSEWHERE)


async def test_nobody_is_written_down_who_only_tried(scene: Scene) -> None:
    await scene.user("alice")
    await scene.caller("")
    with pytest.raises(Unauthorized):
        await scene.caller(basic("alice", "wrong"))
    assert await scene.sign_in.uses.flush() == 0
