"""The page of whoever is signed in: their tokens, password, and browsers."""

from contextlib import suppress

import msgspec

from orlop.domain.access import Action, Effect, Grant, Limit, Place, PlaceKind
from orlop.domain.access.patterns import is_pattern
from orlop.domain.access.scopes import VERBS
from orlop.domain.durations import HOUR
from orlop.domain.errors import NotFound, RegistryError, RequestInvalid, Unauthorized
from orlop.faces.ui.cookies import SESSION, VISIT
from orlop.faces.ui.exchange import Cookie, Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.signing_in import has_passkeys
from orlop.ports.identity import AccessFacts, Account, Accounts, Members, Secret
from orlop.services.identity.passwords import PasswordSignIn
from orlop.services.identity.second_factors import SecondFactors
from orlop.services.identity.sessions import BrowserSessions, Visitor
from orlop.services.management.all import Management
from orlop.services.management.secrets import ALL

#: What a token may be used for, in the words of the form: each is a set of the token protocol's verbs.
_USES: dict[str, tuple[str, ...]] = {"pull": ("pull",), "push": ("pull", "push"), "all": ("*",)}


class _Shown(msgspec.Struct, frozen=True):
    secret: Secret
    use: str


class _Right(msgspec.Struct, frozen=True):
    what: str
    where: str
    through: str
    narrowed: str
    expires_at: int


class OwnAccount:
    """Everything here is about the visitor and nobody else. `least`: characters of a password."""

    def __init__(
        self,
        pages: Pages,
        accounts: Accounts,
        members: Members,
        management: Management,
        passwords: PasswordSignIn,
        factors: SecondFactors,
        sessions: BrowserSessions,
        facts: AccessFacts,
        *,
        least: int,
    ) -> None:
        self._pages = pages
        self._accounts = accounts
        self._members = members
        self._management = management
        self._passwords = passwords
        self._factors = factors
        self._sessions = sessions
        self._facts = facts
        self._least = least

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (
            Route("GET", "/account", self.show),
            Route("POST", "/account/tokens", self.make_token),
            Route("POST", "/account/tokens/revoke", self.revoke_token),
            Route("GET", "/account/password", self.show_password),
            Route("POST", "/account/password", self.change_password),
            Route("POST", "/account/sessions/end", self.end_session),
        )

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Everything at a glance."""
        visitor = visitor_of(exchange)
        tokens = await self._management.tokens.page(visitor.caller, ALL)
        return self._pages.page(
            exchange,
            "account",
            refusal=refusal,
            session=visitor.session,
            groups=await self._members.of_account(visitor.account.name),
            rights=await self._rights(visitor.account),
            tokens=[_Shown(each, _use(each)) for each in reversed(tokens.items)],
            factors=await self._factors.of(visitor.account.name),
            factors_here=not visitor.session.provider,
            passkeys=has_passkeys(exchange),
            sessions=await self._management.sessions.of(visitor.caller, visitor.account.name),
        )

    async def _rights(self, account: Account) -> list[_Right]:
        """What grants give the visitor, or deny them, in the order in which they were made."""
        facts = await self._facts.of(account.id, 0)
        return [_right(grant) for grant in facts.grants] if facts is not None else []

    async def make_token(self, exchange: UiExchange) -> Reply:
        """Make a personal access token and show it once."""
        visitor = visitor_of(exchange)
        name = exchange.field("name").strip()
        try:
            limit = token_limit(exchange.field("use"), exchange.field("repositories").strip())
            ends = self._management.gate.now() + number(exchange.field("days")) * 24 * HOUR
            issued = await self._management.tokens.issue(visitor.caller, name, (limit,), ends)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        return self._pages.page(exchange, "token", token=issued.text, name=name)

    async def revoke_token(self, exchange: UiExchange) -> Reply:
        """Revoke one."""
        visitor = visitor_of(exchange)
        await self._management.tokens.revoke(visitor.caller, number(exchange.field("id")))
        return redirect("/account")

    async def show_password(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """The form to change a password."""
        return self._pages.page(
            exchange,
            "password",
            refusal=refusal,
            least=self._least,
        )

    async def change_password(self, exchange: UiExchange) -> Reply:
        """Change it. Every session ends with the old one; this browser gets another."""
        visitor = visitor_of(exchange)
        try:
            if exchange.field("new") != exchange.field("again"):
                raise RequestInvalid("the new password was not typed the same way twice")
            caller = visitor.caller
            await self._passwords.confirm(
                visitor.account, exchange.field("old"), address=caller.address, request=caller.request
            )
            await self._management.users.change_password(caller, exchange.field("new"))
        except RegistryError as refusal:
            return await self.show_password(exchange, refusal)
        account = await self._accounts.get(visitor.account.name)
        if account is None:
            raise Unauthorized("the account is gone")
        secret = await self._sessions.start(account, visitor.caller, agent=exchange.agent)
        return redirect("/account", Cookie(SESSION, secret))

    async def end_session(self, exchange: UiExchange) -> Reply:
        """End one browser's session, or all of them."""
        visitor = visitor_of(exchange)
        if exchange.field("id") == "all":
            await self._management.sessions.end_all(visitor.caller, visitor.account.name)
            return redirect("/login", Cookie(SESSION), Cookie(VISIT))
        with suppress(NotFound):  # it ended meanwhile
            await self._management.sessions.end(visitor.caller, visitor.account.name, exchange.field("id"))
        return redirect("/account")


def visitor_of(exchange: UiExchange) -> Visitor:
    """The account that is signed in. Raises Unauthorized."""
    if exchange.visitor is None:
        raise Unauthorized("sign in first")
    return exchange.visitor


def number(text: str) -> int:
    """A number of a form. Raises RequestInvalid."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RequestInvalid("that is not a number")
    return int(text)


def token_limit(use: str, repositories: str) -> Limit:
    """What a token may be used for, in the words of the form. Raises RequestInvalid."""
    if use not in _USES:
        raise RequestInvalid(f"a token is for one of {', '.join(_USES)}")
    if repositories and not is_pattern(repositories):
        raise RequestInvalid("repositories is a name or a pattern such as team/*, or is left empty for all")
    place = Place(PlaceKind.REPOSITORIES, repositories) if repositories else Place(PlaceKind.REGISTRY)
    return Limit(frozenset[Action]().union(*(VERBS[verb] for verb in _USES[use])), place)


def _right(grant: Grant) -> _Right:
    """A grant, for whom it concerns."""
    narrowed = [f"tags {grant.tags}"] if grant.tags else []
    narrowed += ["under conditions"] if grant.conditions.any else []
    group = grant.principal.removeprefix("group:")
    return _Right(
        what=grant.role if grant.effect is Effect.ALLOW else f"not {grant.role}",
        where=str(grant.place),
        through=f"the group {group}" if group != grant.principal else "yourself",
        narrowed=", ".join(narrowed),
        expires_at=grant.expires_at,
    )


def _use(secret: Secret) -> str:
    """What a token is for, in a few words."""
    if secret.limits is None:
        return "everything"
    return "; ".join(
        f"{'pull and push' if Action.PUSH_NEW in limit.actions else 'pull'}, {limit.place}" for limit in secret.limits
    )
