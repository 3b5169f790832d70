"""Everything that whoever manages or looks at the registry asks: one service for each capability."""

import msgspec

from orlop.services.advisories.about import AboutVulnerabilities
from orlop.services.advisories.counts import ImageCounts
from orlop.services.advisories.desk import AdvisoryDesk
from orlop.services.advisories.differences import InsideComparison
from orlop.services.advisories.history import FindingHistory
from orlop.services.advisories.news import NewFindings
from orlop.services.advisories.questions import Vulnerabilities
from orlop.services.advisories.reports import VulnerabilityReports
from orlop.services.advisories.search import VulnerabilitySearch
from orlop.services.attention.attention import Attention
from orlop.services.attention.news import News
from orlop.services.attesting.keys import AttestationKeyDesk
from orlop.services.audit.query import AllowedQuery
from orlop.services.backup.desk import BackupDesk
from orlop.services.browse.all import Browsing
from orlop.services.content.images import Images
from orlop.services.content.labels import ContentLabels
from orlop.services.content.locks import ManifestLocks
from orlop.services.content.repositories import Repositories
from orlop.services.following.followers import Followers
from orlop.services.gates.desk import GateDesk
from orlop.services.health.health import HealthDesk
from orlop.services.identity.provider_tests import ProviderTests
from orlop.services.inside.questions import ImageInsides
from orlop.services.inside.search import PackageSearch
from orlop.services.licences.questions import ImageLicences
from orlop.services.licences.search import LicenceSearch
from orlop.services.management.all import Management
from orlop.services.management.configuration import ConfigurationInForce
from orlop.services.management.holdings import RepositoryHoldings
from orlop.services.management.jobs import JobDesk
from orlop.services.management.scrub import ScrubDesk
from orlop.services.promotion.asking import PromotionTrials
from orlop.services.promotion.boards import PromotionBoards
from orlop.services.promotion.bundles import BundleDesk
from orlop.services.promotion.desk import PromotionDesk
from orlop.services.promotion.standing import BundleStandings
from orlop.services.quarantine.desk import QuarantineDesk
from orlop.services.read_only.desk import ReadOnlyDesk
from orlop.services.retention.desk import RetentionDesk
from orlop.services.retention.in_use import InUseSets
from orlop.services.retention.inventory import InventoryPages
from orlop.services.retention.review import PlanReviews
from orlop.services.retention.trials import RetentionTrials
from orlop.services.scanning.desk import ScannerDesk
from orlop.services.scanning.questions import ScannerReports
from orlop.services.status.status import StatusDesk
from orlop.services.tags.past import TagPast
from orlop.services.tags.removal import TagRemoval
from orlop.services.trash.trash import Trash
from orlop.services.trust.signatures import ImageSignatures
from orlop.services.upstreams.desk import UpstreamDesk
from orlop.services.usage.reports import UsageReports
from orlop.services.virtuals.places import VirtualPlaces
from orlop.services.webhooks.fares import WebhookList
from orlop.services.webhooks.managed import ManagedWebhooks


class Desks(msgspec.Struct, frozen=True, kw_only=True):
    """What the management API and the pages are made of. Each service checks who asks."""

    management: Management
    repositories: Repositories
    browsing: Browsing
    holdings: RepositoryHoldings
    past: TagPast
    removal: TagRemoval
    locks: ManifestLocks
    trash: Trash
    labels: ContentLabels
    images: Images
    virtuals: VirtualPlaces
    insides: ImageInsides
    advisories: AdvisoryDesk
    vulnerabilities: Vulnerabilities
    signatures: ImageSignatures
    attestation_keys: AttestationKeyDesk
    backups: BackupDesk
    packages: PackageSearch
    hits: VulnerabilitySearch
    new_findings: NewFindings
    known: AboutVulnerabilities
    comparison: InsideComparison
    counts: ImageCounts
    reports: VulnerabilityReports
    finding_history: FindingHistory
    licences: ImageLicences
    licence_search: LicenceSearch
    gates: GateDesk
    promotions: PromotionDesk
    promotion_trials: PromotionTrials
    promotion_boards: PromotionBoards
    bundles: BundleDesk
    bundle_standings: BundleStandings
    quarantine: QuarantineDesk
    scanners: ScannerDesk
    scan_reports: ScannerReports
    attention: Attention
    news: News
    configuration: ConfigurationInForce
    health: HealthDesk
    status: StatusDesk
    read_only: ReadOnlyDesk
    audit: AllowedQuery
    webhooks: ManagedWebhooks
    hooks: WebhookList
    followers: Followers
    jobs: JobDesk
    usage: UsageReports
    retention: RetentionDesk
    reviews: PlanReviews
    trials: RetentionTrials
    in_use: InUseSets
    inventory: InventoryPages
    scrub: ScrubDesk
    upstreams: UpstreamDesk
    providers: ProviderTests
