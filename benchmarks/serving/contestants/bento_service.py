"""The BentoML service, after https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html.

`max_latency_ms` is no waiting time: BentoML fits its own from the traffic, and refuses with 503 what it expects to take
longer than this.
"""

from __future__ import annotations

from typing import Any

import bentoml

from benchmarks.serving.contestants.shared import load_classifier, score, settings

_SETTINGS = settings()


@bentoml.service(
    name="feedback",
    workers=_SETTINGS["workers"],
    traffic={"timeout": 60},
    logging={"access": {"enabled": False}},
    metrics={"enabled": _SETTINGS["metrics"]},
)
class Feedback:
    """Scores each batch in one call."""

    def __init__(self) -> None:
        self.classifier = load_classifier()

    @bentoml.api(  # type: ignore[untyped-decorator]
        batchable=True, max_batch_size=_SETTINGS["max_batch_size"], max_latency_ms=_SETTINGS["max_latency_ms"]
    )
    def classify(self, texts: list[dict[str, str]]) -> list[dict[str, Any]]:
        """One result for each text of a batch, which BentoML hands back to whoever sent the text."""
        return score(self.classifier, texts)
