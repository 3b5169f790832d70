"""Counts of signatures that were looked at."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class SignatureMetrics:
    """Verdicts on signatures: those that were known, and those that were found by verifying."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter(
            "orlop_signature_verdicts",
            "Verdicts on signatures that were asked for, by where they came from: kept or verified.",
            ("source",),
            registry=registry,
        )
        self._verified = Counter(
            "orlop_signatures_verified",
            "Signatures that were verified, by what came of it.",
            ("outcome",),
            registry=registry,
        )
        self._seconds = Histogram(
            "orlop_signature_verification_seconds",
            "How long it took to verify the signatures of an image, with the wait for a turn.",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
            registry=registry,
        )

    def kept(self, count: int) -> None:
        """See services.trust.judgements.Watch."""
        self._verdicts.labels("kept").inc(count)

    def verified(self, counting: int, refused: int, seconds: float) -> None:
        """See services.trust.judgements.Watch."""
        self._verdicts.labels("verified").inc(counting + refused)
        self._verified.labels("counts").inc(counting)
        self._verified.labels("refused").inc(refused)
        self._seconds.observe(seconds)

    def failed(self, count: int) -> None:
        """See services.trust.judgements.Watch."""
        self._verified.labels("failed").inc(count)
