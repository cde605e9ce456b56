"""What Prometheus is told of the shadow: numbers and labels of our own making only, as of everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from model.classifier import ModelInfo
    from serving.http.disagreement import Change

_CHANGES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1)


class ShadowMetrics:
    """The metrics of a server's second weights; all zero where it has none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._texts = Counter("rida_shadow_texts", "Texts that both weights have scored", registry=registry)
        self._mood_changes = Counter(
            "rida_shadow_mood_changes", "Texts to which the shadow gives another mood", ("from", "to"),
            registry=registry,
        )  # fmt: skip
        self._topic_changes = Counter(
            "rida_shadow_topic_changes", "Topics of texts that only the shadow finds, or only the first",
            ("topic", "change"), registry=registry,
        )  # fmt: skip
        self._score_change = Histogram(
            "rida_shadow_score_change", "The largest change of a mood's probability in a text",
            buckets=_CHANGES, registry=registry,
        )  # fmt: skip
        self.dropped = Counter(
            "rida_shadow_dropped", "Texts that the shadow was not given, as it cannot keep up", registry=registry
        )
        self.unscored = Counter(
            "rida_shadow_unscored", "Texts that the first weights could score and the shadow not", registry=registry
        )
        self.restarts = Counter(
            "rida_shadow_restarts", "How often the shadow's process ended and was started again", registry=registry
        )
        self._model = Gauge(
            "rida_shadow_info", "The weights of the shadow", ("name", "version", "sha256"), registry=registry
        )

    def watch(self, info: ModelInfo) -> None:
        """Show the weights."""
        self._model.labels(info.name, info.version, info.sha256).set(1)

    def count(self, change: Change) -> None:
        """Count a text that both have scored."""
        self._texts.inc()
        if change.before != change.after:
            self._mood_changes.labels(change.before, change.after).inc()
        for name in change.gained:
            self._topic_changes.labels(name, "gained").inc()
        for name in change.lost:
            self._topic_changes.labels(name, "lost").inc()
        self._score_change.observe(change.score)
