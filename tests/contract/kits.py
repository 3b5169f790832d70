"""The kits of one store, gathered: a driver's test names its fixtures and inherits from these."""

from tests.contract import blobs, browse, collection, identity_browser, inspection, links, manifests, outbox, uploads


class CatalogKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    TestResolve = manifests.ResolveKit
    TestPut = manifests.PutKit
    TestDelete = manifests.DeleteKit
    TestLooseness = manifests.LoosenessKit
    TestBrowse = browse.BrowseKit
    TestReferrers = browse.ReferrersKit
    TestHistory = browse.HistoryKit
    TestLinks = links.LinksKit
    TestSession = uploads.SessionKit
    TestCommit = uploads.CommitKit
    TestExpiry = uploads.ExpiryKit
    TestUnlinkLoose = collection.UnlinkLooseKit
    TestTombstone = collection.TombstoneKit
    TestGone = collection.GoneKit
    TestOutbox = outbox.OutboxKit
    TestPullTimes = outbox.PullTimesKit
    TestVitals = outbox.VitalsKit
    TestRecords = inspection.RecordsKit
    TestKnowledge = inspection.KnowledgeKit
    TestFindings = inspection.FindingsKit


class BlobStoreKit:
    """Needs the fixtures `store`, an empty one for each test, and `now`, the time by the store's own clock."""

    TestStage = blobs.StageKit
    TestPromote = blobs.PromoteKit
    TestReader = blobs.ReaderKit
    TestRemover = blobs.RemoverKit
    TestInventory = blobs.InventoryKit


class BrowserKit:
    """Needs the fixture `identity`: an empty one, for each test."""

    TestSteps = identity_browser.StepsKit
    TestSignOns = identity_browser.SignOnsKit
    TestLongerSessions = identity_browser.LongerSessionsKit
