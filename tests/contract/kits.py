"""The kits of one store, gathered: a driver's test names its fixtures and inherits from these."""

from tests.contract import blobs, browse, collection, inspection, links, manifests, outbox, refusals, uploads


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
