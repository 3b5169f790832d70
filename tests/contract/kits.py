"""The kits of one store, gathered: a driver's test names its fixtures and inherits from these."""

from tests.contract import (
    advisories,
    attesting,
    backup_records,
    blobs,
    browse,
    bundles,
    caching,
    collection,
    devices,
    endings,
    gates,
    holdings,
    identity_accounts,
    identity_answers,
    identity_browser,
    identity_facts,
    identity_grants,
    identity_groups,
    identity_namespaces,
    identity_rates,
    identity_secrets,
    identity_sessions,
    insides,
    inspection,
    labels,
    links,
    listed,
    locks,
    manifests,
    outbox,
    promotion,
    quarantine,
    queue,
    read_only,
    refusals,
    replicas,
    retention,
    scans,
    scrub,
    signatures,
    trash,
    uploads,
    usage,
)


class CatalogKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    TestResolve = manifests.ResolveKit
    TestPut = manifests.PutKit
    TestDelete = manifests.DeleteKit
    TestLooseness = manifests.LoosenessKit
    TestRefusals = refusals.RefusalKit
    TestBrowse = browse.BrowseKit
    TestReferrers = browse.ReferrersKit
    TestHistory = browse.HistoryKit
    TestHoldings = holdings.HoldingsKit
    TestLocks = locks.LocksKit
    TestPromotions = promotion.PromotionsKit
    TestAttestationKeys = attesting.AttestationKeysKit
    TestBoards = promotion.BoardsKit
    TestBundles = bundles.BundlesKit
    TestBackupRecords = backup_records.BackupRecordsKit
    TestInventories = retention.InventoriesKit
    TestRetentionPlans = retention.RetentionPlansKit
    TestInUse = retention.InUseKit
    TestTrash = trash.TrashKit
    TestLargeTrash = trash.LargeTrashKit
    TestTrashEnd = trash.TrashEndKit
    TestLabels = labels.LabelsKit
    TestInsides = insides.InsidesKit
    TestGateRows = gates.GateRowsKit
    TestHeldPushes = quarantine.HeldPushesKit
    TestSignatureVerdicts = signatures.SignatureVerdictsKit
    TestTagLists = listed.TagListsKit
    TestChildren = listed.ChildrenKit
    TestSearch = listed.SearchKit
    TestAdvisories = advisories.AdvisoriesKit
    TestVex = endings.VexKit
    TestScans = scans.ScansKit
    TestLinks = links.LinksKit
    TestSession = uploads.SessionKit
    TestCommit = uploads.CommitKit
    TestExpiry = uploads.ExpiryKit
    TestUnlinkLoose = collection.UnlinkLooseKit
    TestTombstone = collection.TombstoneKit
    TestGone = collection.GoneKit
    TestPreview = collection.PreviewKit
    TestMarking = collection.MarkingKit
    TestQuarantine = scrub.QuarantineKit
    TestScrub = scrub.ScrubKit
    TestOrphans = scrub.OrphansKit
    TestOutbox = outbox.OutboxKit
    TestPullTimes = outbox.PullTimesKit
    TestReadOnlyRecord = read_only.ReadOnlyRecordKit
    TestReplicas = replicas.ReplicasKit
    TestVitals = outbox.VitalsKit
    TestUsage = usage.UsageKit
    TestRoom = usage.RoomKit
    TestTrashedUsage = usage.TrashedUsageKit
    TestCacheUsage = caching.CacheUsageKit
    TestEviction = caching.EvictionKit
    TestRecords = inspection.RecordsKit
    TestKnowledge = inspection.KnowledgeKit
    TestFindings = inspection.FindingsKit


class IdentityKit:
    """Needs the fixture `cast`: on an empty catalog, for each test."""

    TestAccounts = identity_accounts.AccountsKit
    TestPasswords = identity_accounts.PasswordsKit
    TestSecrets = identity_secrets.SecretsKit
    TestSettingEnds = endings.SettingEndsKit
    TestGroups = identity_groups.GroupsKit
    TestProviders = identity_groups.ProvidersKit
    TestGrants = identity_grants.GrantsKit
    TestDocuments = identity_grants.DocumentsKit
    TestNamespaces = identity_namespaces.NamespacesKit
    TestEmptiedNamespace = identity_namespaces.EmptiedNamespaceKit
    TestRepositories = identity_namespaces.RepositoriesKit
    TestFacts = identity_facts.FactsKit
    TestAnswers = identity_answers.AnswersKit
    TestRates = identity_rates.RatesKit
    TestKeys = identity_sessions.KeysKit
    TestAttempts = identity_sessions.AttemptsKit
    TestSessions = identity_sessions.SessionsKit


class BlobStoreKit:
    """Needs the fixtures `store`, an empty one for each test, and `now`, the time by the store's own clock."""

    TestStage = blobs.StageKit
    TestPromote = blobs.PromoteKit
    TestReader = blobs.ReaderKit
    TestRemover = blobs.RemoverKit
    TestInventory = blobs.InventoryKit


class QueueKit:
    """Needs the fixtures `catalog` and `queue`: an empty one, for each test; and `queue_changes`."""

    TestJobs = queue.JobsKit
    TestClaims = queue.JobClaimsKit
    TestTimetable = queue.TimetableKit
    TestHistory = queue.JobHistoryKit
    TestChanges = queue.QueueChangesKit


class BrowserKit:
    """Needs the fixture `identity`: an empty one, for each test."""

    TestSteps = identity_browser.StepsKit
    TestSignOns = identity_browser.SignOnsKit
    TestLongerSessions = identity_browser.LongerSessionsKit
    TestDevices = devices.DevicesKit
