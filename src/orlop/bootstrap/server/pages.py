"""Builds the pages: each group of them, and the face that they make."""

from collections.abc import Callable

from orlop.bootstrap.server.browsers import Browsers, build_devices
from orlop.bootstrap.server.running import running_pages
from orlop.bootstrap.server.sign_in import Chance, SignIn
from orlop.config import Settings
from orlop.domain.custom_roles import CUSTOM_ROLES
from orlop.domain.gates.gate import GATES
from orlop.domain.identity.certificates import CERTIFICATE_RULES
from orlop.domain.identity.providers import PROVIDERS
from orlop.domain.identity.trusts.trust import TRUSTS
from orlop.faces.http.asgi import Application
from orlop.faces.http.counted import UNCOUNTED, Counted
from orlop.faces.http.shell import Shell
from orlop.faces.ui.account import OwnAccount
from orlop.faces.ui.app import UiFace
from orlop.faces.ui.browse.first import FirstTab
from orlop.faces.ui.browse.frame import PlaceFrames
from orlop.faces.ui.browse.history import HistoryTab
from orlop.faces.ui.browse.labels import LabelPages
from orlop.faces.ui.browse.namespaces import NamespacePages
from orlop.faces.ui.browse.removal import RemovalPages
from orlop.faces.ui.browse.rules import RulesTab
from orlop.faces.ui.browse.search import SearchPage
from orlop.faces.ui.device import DevicePage
from orlop.faces.ui.factors import OwnFactors
from orlop.faces.ui.gates.held import HeldPages
from orlop.faces.ui.gates.place import GatesTab
from orlop.faces.ui.gates.signatures import SignaturesTab
from orlop.faces.ui.gates.verdicts import VerdictsTab
from orlop.faces.ui.help import Help
from orlop.faces.ui.home import Home
from orlop.faces.ui.image import ComparePage, ImageView
from orlop.faces.ui.inside.finding import FindingPage
from orlop.faces.ui.inside.licences import LicencesTab
from orlop.faces.ui.inside.packages import PackagesTab, SbomFile
from orlop.faces.ui.inside.report import ReportTab
from orlop.faces.ui.inside.vulnerabilities import ScanPages, VulnerabilitiesTab
from orlop.faces.ui.live import Live, Watch
from orlop.faces.ui.menu import Menu
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.people.asking import AccessPage
from orlop.faces.ui.people.grants import GrantPages
from orlop.faces.ui.people.groups import GroupPages
from orlop.faces.ui.people.place import PeopleTab
from orlop.faces.ui.people.robots import RobotPages
from orlop.faces.ui.people.settings import UnplacedSettingPages
from orlop.faces.ui.people.users import UserPages
from orlop.faces.ui.places import ImageTab, PlacePages, PlaceTab
from orlop.faces.ui.promotion.board import BoardPages
from orlop.faces.ui.promotion.bundles import BundlePages
from orlop.faces.ui.promotion.place import PromotionTab
from orlop.faces.ui.promotion.promotions import PromotionPages
from orlop.faces.ui.quarantine.place import QuarantineTab
from orlop.faces.ui.routes import PageGroup, Routes
from orlop.faces.ui.rules.house import HouseRulesPage
from orlop.faces.ui.rules.locks import LockPages
from orlop.faces.ui.rules.plans import PlanPages
from orlop.faces.ui.rules.settings import RulePages
from orlop.faces.ui.rules.trash import TrashPages
from orlop.faces.ui.rules.trials import RetentionTrialPages
from orlop.faces.ui.signing_in import SigningIn
from orlop.faces.ui.usage import UsageTab
from orlop.faces.ui.world import WorldPages
from orlop.ports.identity import Identity
from orlop.services.desks import Desks
from orlop.services.identity.sessions import BrowserSessions
from orlop.telemetry.requests import RequestLog


def pages_app(
    settings: Settings,
    identity: Identity,
    sign_in: SignIn,
    browsers: Browsers,
    desks: Desks,
    log: RequestLog,
    request_ids: Callable[[], str],
    counted: Counted = UNCOUNTED,
    watch: Watch = Watch(),  # noqa: B008 - a value that nothing changes
) -> Shell:
    """The pages of one process."""
    pages = Pages(browsers.chance.clock)
    sessions, factors, passkeys, steps = browsers.sessions, browsers.factors, browsers.passkeys, browsers.steps
    entry = SigningIn(
        pages,
        sign_in.passwords,
        identity.accounts,
        factors,
        passkeys,
        sessions,
        steps,
        browsers.sign_on,
        browsers.on_failure,
    )
    account = OwnAccount(
        pages,
        identity.accounts,
        identity.members,
        desks.management,
        sign_in.passwords,
        factors,
        sessions,
        identity.facts,
        least=settings.auth.password_length,
    )
    own_factors = OwnFactors(pages, sign_in.passwords, factors, passkeys, steps)
    operations = desks.management.gate
    device = DevicePage(pages, build_devices(identity, operations, browsers), operations)
    groups: tuple[PageGroup, ...] = (
        entry,
        account,
        own_factors,
        device,
        Home(pages, desks),
        Help(pages),
        *people_pages(pages, desks),
        *place_pages(pages, desks),
        *rule_pages(pages, desks),
        *running_pages(pages, desks, Live(sessions, watch.draining), watch),
    )
    routes = Routes(route for group in groups for route in group.routes())
    proxies = sign_in.challenges.proxies
    menu = Menu(routes, desks.management.gate)
    face = UiFace(routes, pages, sessions, menu, proxies, browsers.chance.draw, counted, desks.read_only.mode)
    return Shell(face, log, request_ids, proxies.client)


def open_pages_app(
    identity: Identity,
    sign_in: SignIn,
    desks: Desks,
    log: RequestLog,
    request_ids: Callable[[], str],
    chance: Chance | None = None,
) -> Shell:
    """The pages of a registry that is open to everybody: what there is, with nobody who signs in."""
    chance = chance or Chance()
    pages = Pages(chance.clock, signs_in=False)
    groups: tuple[PageGroup, ...] = (Home(pages, desks), Help(pages), *place_pages(pages, desks))
    routes = Routes(route for group in groups for route in group.routes() if route.open)
    sessions = BrowserSessions(identity.sessions, sign_in.uses, chance.clock, chance.draw)
    menu, proxies = Menu(routes, desks.management.gate), sign_in.challenges.proxies
    face = UiFace(routes, pages, sessions, menu, proxies, chance.draw, UNCOUNTED, desks.read_only.mode)
    return Shell(face, log, request_ids, proxies.client)


def place_pages(pages: Pages, desks: Desks) -> tuple[PageGroup, ...]:
    """Namespaces, repositories and images, and the search for them."""
    shown = {"", "history", "vulnerabilities", "gates", "quarantine", "promotion", "rules", "people", "usage"}
    frames = PlaceFrames(desks, frozenset(shown))
    people = PeopleTab(pages, desks, frames)
    history = HistoryTab(pages, desks, frames)
    usage = UsageTab(pages, desks.usage, frames)
    quarantine = QuarantineTab(pages, desks, frames)
    tabs: dict[str, PlaceTab] = {
        "": FirstTab(pages, desks, frames),
        "history": history,
        "vulnerabilities": ReportTab(pages, desks, frames),
        "gates": GatesTab(pages, desks, frames),
        "quarantine": quarantine,
        "promotion": PromotionTab(pages, desks, frames),
        "rules": RulesTab(pages, desks, frames),
        "people": people,
        "usage": usage,
    }
    images: dict[str, ImageTab] = {
        "": ImageView(pages, desks.images, desks.vulnerabilities, desks.scan_reports, desks.gates, desks.quarantine),
        "packages": PackagesTab(pages, desks.insides),
        "sbom": SbomFile(desks.insides),
        "vulnerabilities": VulnerabilitiesTab(pages, desks.vulnerabilities, desks.scan_reports, desks.management.gate),
        "licences": LicencesTab(pages, desks.licences),
        "signatures": SignaturesTab(pages, desks.signatures),
        "gates": VerdictsTab(pages, desks.gates),
    }
    places = PlacePages(tabs, images)
    removal, compare = RemovalPages(pages, desks), ComparePage(pages, desks.images, desks.comparison)
    labels, namespaces = LabelPages(pages, desks), NamespacePages(pages, desks)
    return (
        places,
        history,
        people,
        usage,
        quarantine,
        removal,
        labels,
        namespaces,
        compare,
        SearchPage(pages, desks),
        ScanPages(desks.scan_reports),
        FindingPage(pages, desks),
    )


def people_pages(pages: Pages, desks: Desks) -> tuple[PageGroup, ...]:
    """Who there is, and who may do what."""
    management = desks.management
    return (
        UserPages(pages, management),
        GroupPages(pages, management),
        RobotPages(pages, management),
        GrantPages(pages, management),
        UnplacedSettingPages(pages, management, CUSTOM_ROLES),
        UnplacedSettingPages(pages, management, TRUSTS),
        UnplacedSettingPages(pages, management, CERTIFICATE_RULES),
        UnplacedSettingPages(pages, management, PROVIDERS, desks.providers),
        AccessPage(pages, management),
    )


def rule_pages(pages: Pages, desks: Desks) -> tuple[PageGroup, ...]:
    """Rules, plans of retention, trash, usage, and the world outside."""
    management = desks.management
    return (
        HouseRulesPage(pages, management.house_rules),
        RulePages(pages, management.settings, {GATES.kind: desks.gates.trial}),
        HeldPages(pages, desks.gates),
        RetentionTrialPages(pages, desks),
        BoardPages(pages, desks),
        PromotionPages(pages, desks),
        BundlePages(pages, desks),
        PlanPages(pages, desks),
        TrashPages(pages, desks.trash),
        LockPages(pages, desks.locks),
        WorldPages(pages, desks),
    )


def mounted(pages: Shell) -> dict[str, Application]:
    """By the first components of the paths of pages, `/` for the root, and `:` for references of images."""
    assert isinstance(pages.face, UiFace)
    return {first or "/": pages for first in (*pages.face.routes.first, "static", ":")}
