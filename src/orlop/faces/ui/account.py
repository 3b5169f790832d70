"""The page of whoever is signed in: their tokens, password, and browsers."""

from urllib.parse import urlsplit

import msgspec

from orlop.domain.access import Action, Effect, Grant
from orlop.domain.errors import RegistryError, RequestInvalid, Unauthorized
from orlop.faces.distribution.errors import status_of
from orlop.faces.ui.cookies import SESSION, VISIT
from orlop.faces.ui.exchange import Cookie, Reply, UiExchange, redirect
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.signing_in import has_passkeys
from orlop.ports.identity import AccessFacts, Account, Accounts, Members, Secret
from orlop.services.own_password import OwnPassword
from orlop.services.personal_tokens import NewToken, PersonalTokens
from orlop.services.second_factors import SecondFactors
from orlop.services.sessions import BrowserSessions, Visitor


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
        tokens: PersonalTokens,
        passwords: OwnPassword,
        factors: SecondFactors,
        sessions: BrowserSessions,
        facts: AccessFacts,
        *,
        least: int,
    ) -> None:
        self._pages = pages
        self._accounts = accounts
        self._members = members
        self._tokens = tokens
        self._passwords = passwords
        self._factors = factors
        self._sessions = sessions
        self._facts = facts
        self._least = least

    async def show(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """Everything at a glance."""
        visitor = visitor_of(exchange)
        return self._pages.page(
            exchange,
            "account",
            status=status_of(refusal) if refusal else 200,
            message=refusal.message if refusal else "",
            session=visitor.session,
            groups=await self._members.of_account(visitor.account.name),
            rights=await self._rights(visitor.account),
            host=urlsplit(exchange.base).netloc,
            tokens=[_Shown(each, _use(each)) for each in await self._tokens.of(visitor.account)],
            factors=await self._factors.of(visitor.account.name),
            factors_here=not visitor.session.provider,
            passkeys=has_passkeys(exchange),
            sessions=await self._sessions.of(visitor),
        )

    async def _rights(self, account: Account) -> list[_Right]:
        """What grants give the visitor, or deny them, in the order in which they were made."""
        facts = await self._facts.of(account.id, 0)
        return [_right(grant) for grant in facts.grants] if facts is not None else []

    async def home(self, exchange: UiExchange) -> Reply:
        """Where somebody lands who typed nothing but the address of the registry."""
        return redirect("/account")

    async def make_token(self, exchange: UiExchange) -> Reply:
        """Make a personal access token and show it once."""
        visitor = visitor_of(exchange)
        wanted = NewToken(
            exchange.field("name"),
            exchange.field("use"),
            exchange.field("repositories").strip(),
            number(exchange.field("days")),
        )
        try:
            token = await self._tokens.create(visitor.account, wanted, visitor.caller)
        except RegistryError as refusal:
            return await self.show(exchange, refusal)
        host = urlsplit(exchange.base).netloc
        return self._pages.page(exchange, "token", token=token, name=wanted.name, host=host)

    async def revoke_token(self, exchange: UiExchange) -> Reply:
        """Revoke one."""
        visitor = visitor_of(exchange)
        await self._tokens.revoke(visitor.account, number(exchange.field("id")), visitor.caller)
        return redirect("/account")

    async def show_password(self, exchange: UiExchange, refusal: RegistryError | None = None) -> Reply:
        """The form to change a password."""
        return self._pages.page(
            exchange,
            "password",
            status=status_of(refusal) if refusal else 200,
            message=refusal.message if refusal else "",
            least=self._least,
        )

    async def change_password(self, exchange: UiExchange) -> Reply:
        """Change it. Every session ends with the old one; this browser gets another."""
        visitor = visitor_of(exchange)
        try:
            if exchange.field("new") != exchange.field("again"):
                raise RequestInvalid("the new password was not typed the same way twice")
            await self._passwords.change(visitor.account, exchange.field("old"), exchange.field("new"), visitor.caller)
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
            await self._sessions.end_all(visitor)
            return redirect("/login", Cookie(SESSION), Cookie(VISIT))
        await self._sessions.end(visitor, exchange.field("id") or "-")
        return redirect("/account")


def visitor_of(exchange: UiExchange) -> Visitor:
    """Whoever is signed in. Raises Unauthorized."""
    if exchange.visitor is None:
        raise Unauthorized("sign in first")
    return exchange.visitor


def number(text: str) -> int:
    """A number of a form. Raises RequestInvalid."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RequestInvalid("that is not a number")
    return int(text)


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
