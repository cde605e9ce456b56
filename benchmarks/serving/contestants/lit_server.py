"""The LitServe server, after https://lightning.ai/docs/litserve/features/batching."""

from __future__ import annotations

import argparse
from typing import Any

import litserve

from benchmarks.serving.contestants.shared import answer, load_classifier, score, settings


class Feedback(litserve.LitAPI):  # type: ignore[misc]
    """Scores each batch in one call."""

    def setup(self, device: str) -> None:
        """Load the weights, once in each worker."""
        self.classifier = load_classifier()

    # LitServe takes annotations of the next and of `encode_response` for FastAPI's types of body and answer; without
    # them it reads and writes plain JSON, as in its documentation.
    def decode_request(self, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """The one text of a request."""
        return request["texts"][0]

    def predict(self, items: list[dict[str, str]]) -> list[dict[str, Any]]:
        """One result for each text of a batch."""
        return score(self.classifier, items)

    def encode_response(self, result):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """The answer to one request."""
        return answer(self.classifier, [result])


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    chosen = settings()
    api = Feedback(
        max_batch_size=chosen["max_batch_size"], batch_timeout=chosen["batch_timeout"], api_path="/v1/classify"
    )
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=chosen["workers"],
        fast_queue=chosen["fast_queue"],
        timeout=60,
    )
    server.run(
        host="127.0.0.1",
        port=port,
        num_api_servers=chosen["api_servers"] or None,  # as many as there are workers
        log_level="warning",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
