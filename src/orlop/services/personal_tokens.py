"""Personal access tokens, as their owners make and revoke them."""

import msgspec

from orlop.domain.access import Action, Caller, Limit, Place, PlaceKind
from orlop.domain.access.patterns import is_pattern
from orlop.domain.access.scopes import VERBS
from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import PageRequest
from orlop.domain.secrets import Draw, new_secret, parse_secret
from orlop.ports.catalog import by
from orlop.ports.clock import HOUR, Clock
from orlop.ports.identity import Account, Secret, Secrets
from orlop.services.management.tokens import TOKEN, revoke_token

#: How many an account has at most, and how long one may be good for, in days.
AT_MOST, DAYS_MAX = 100, 366
_NAME_MAX, _PAGE = 64, 500

#: What a token may be used for, in the words of the form: each is a set of the token protocol's verbs.
USES: dict[str, tuple[str, ...]] = {"pull": ("pull",), "push": ("pull", "push"), "all": ("*",)}


class NewToken(msgspec.Struct, frozen=True):
    """A token that somebody wants."""

    name: str
    use: str
    repositories: str = ""
    """A pattern that narrows it; empty: everything that its owner may."""
    days: int = 90


class PersonalTokens:
    """Tokens of one's own. Each does at most what its owner may do."""

    def __init__(self, secrets: Secrets, clock: Clock, draw: Draw) -> None:
        self._secrets = secrets
        self._clock = clock
        self._draw = draw

    async def create(self, account: Account, wanted: NewToken, caller: Caller) -> str:
        """The token, which is shown once. Raises RequestInvalid, or Conflict for one too many."""
        name = "".join(c for c in wanted.name if c.isprintable()).strip()
        if not 0 < len(name) <= _NAME_MAX:
            raise RequestInvalid(f"a token needs a name of at most {_NAME_MAX} characters, to be known by")
        if wanted.use not in USES:
            raise RequestInvalid(f"a token is for one of {', '.join(USES)}")
        if not 0 < wanted.days <= DAYS_MAX:
            raise RequestInvalid(f"a token is good for 1 to {DAYS_MAX} days")
        if wanted.repositories and not is_pattern(wanted.repositories):
            raise RequestInvalid("repositories is a name or a pattern such as team/*, or is left empty for all")
        now = self._clock.now()
        text = new_secret(TOKEN, self._draw)
        parsed = parse_secret(text)
        assert parsed is not None
        place = Place(PlaceKind.REPOSITORIES, wanted.repositories) if wanted.repositories else Place(PlaceKind.REGISTRY)
        secret = Secret(
            account=account.name,
            kind=TOKEN,
            name=name,
            lookup=parsed.lookup,
            hash=parsed.hash,
            limits=(Limit(_actions(wanted.use), place),),
            expires_at=now + wanted.days * 24 * HOUR,
        )
        await self._secrets.add(secret, by(caller, now), at_most=AT_MOST)
        return text

    async def of(self, account: Account) -> tuple[Secret, ...]:
        """Those of an account, the newest first."""
        found: list[Secret] = []
        page, more = PageRequest(_PAGE), True
        while more:
            part = await self._secrets.of(account.name, page)
            found += [each for each in part.items if each.kind == TOKEN]
            more = part.more and bool(part.items)
            page = PageRequest(_PAGE, str(part.items[-1].id)) if part.items else page
        return tuple(reversed(found))

    async def revoke(self, account: Account, number: int, caller: Caller) -> None:
        """Revoke one of an account's own. Raises NotFound."""
        await revoke_token(self._secrets, account.name, number, by(caller, self._clock.now()))


def _actions(use: str) -> frozenset[Action]:
    return frozenset[Action]().union(*(VERBS[verb] for verb in USES[use]))
