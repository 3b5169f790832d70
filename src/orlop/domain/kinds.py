"""Every kind of settings: what is declared here is on every face."""

from collections.abc import Mapping

from orlop.domain.attesting.receipts import RECEIPT_RULES
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.clean_up import CLEAN_UP_RULES
from orlop.domain.custom_roles import CUSTOM_ROLES
from orlop.domain.gates.gate import GATES
from orlop.domain.identity.certificates import CERTIFICATE_RULES
from orlop.domain.identity.providers import PROVIDERS
from orlop.domain.identity.trusts.trust import TRUSTS
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.inside.licence_rules import LICENCE_RULES
from orlop.domain.inside.sbom_rules import SBOM_RULES
from orlop.domain.inside.sources import ADVISORY_SOURCES
from orlop.domain.inside.vex.trust import VEX_FILES, VEX_TRUSTS
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.domain.quotas import QUOTAS
from orlop.domain.read_only import READ_ONLY
from orlop.domain.repository_rules import REPOSITORY_RULES
from orlop.domain.retention.rules import RETENTION
from orlop.domain.scanning.scanner import SCANNERS
from orlop.domain.schedules import JOB_SCHEDULES
from orlop.domain.settings import SettingKind
from orlop.domain.tag_rules import TAG_RULES
from orlop.domain.trash_rules import TRASH_RULES
from orlop.domain.trust.signers import SIGNERS
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.domain.virtuals import VIRTUALS
from orlop.domain.webhooks.hook import WEBHOOKS

_ALL = (
    *(CUSTOM_ROLES, PROVIDERS, TRUSTS, CERTIFICATE_RULES, TAG_RULES, REPOSITORY_RULES),
    *(RETENTION, TRASH_RULES, CLEAN_UP_RULES, QUOTAS, WEBHOOKS, JOB_SCHEDULES),
    *(UPSTREAMS, VIRTUALS, EXCEPTIONS, SBOM_RULES, VEX_TRUSTS, VEX_FILES, LICENCE_RULES, ADVISORY_SOURCES),
    *(SIGNERS, SCANNERS, GATES, QUARANTINE_RULES, PIPELINES, RECEIPT_RULES, READ_ONLY),
    BACKUP_SCHEDULES,
)

#: By name, in the order in which `apply` makes them.
KINDS: Mapping[str, SettingKind] = {kind.kind: kind for kind in _ALL}
