"""The classifier: texts in, predictions out, with the weights of one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from model.calibration import (
    Floats,
    HeadLogits,
    combine_windows,
    mood_probabilities,
    split_heads,
    topic_probabilities,
)
from model.cascade import open_session
from model.config import Backend, Speed, WeightsConfig, read_config
from model.cores import usable_cores
from model.decision import decided_moods, ranked_topics, topics_over
from model.errors import NO_SCORE, InputError, TextError, WeightsError
from model.labels import MOODS
from model.manifest import CONFIG, GRAPH, TOKENIZER, Checksums, verify_manifest
from model.prediction import Prediction, Rejection
from model.session import Logits, StartedRuns
from model.text import normalise
from model.tokenizer import WORD_START, id_of, read_tokenizer
from model.windows import windows

SHIPPED_WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a user may want to know of the weights in use."""

    config: WeightsConfig
    checksums: Checksums
    speed: Speed
    backend: Backend = "onnxruntime"

    @property
    def name(self) -> str:
        """The model's name."""
        return self.config.name

    @property
    def sha256(self) -> str:
        """Checksum of the whole weights folder."""
        return self.checksums.whole

    @property
    def answers_by(self) -> str:
        """What answers depend on: the weights' checksum, with speed and backend where they are not the usual ones."""
        return " ".join([self.sha256, *self.unusual.values()])

    @property
    def unusual(self) -> dict[str, str]:
        """Speed and backend where they are not full and onnxruntime."""
        ways = {"speed": (self.speed, "full"), "backend": (self.backend, "onnxruntime")}
        return {name: one for name, (one, usual) in ways.items() if one != usual}

    @property
    def graph_sha256(self) -> str:
        """Checksum of the graph alone, the same whatever the model card says."""
        return self.checksums.graph

    @property
    def version(self) -> str:
        """The weights' version."""
        return self.config.version

    def identity(self) -> dict[str, str]:
        """What figures measured with these weights are kept with."""
        return {"name": self.name, "version": self.version, "graph_sha256": self.graph_sha256, **self.unusual}

    def as_dict(self) -> dict[str, Any]:
        """The shape that `rida model --json` and `GET /v1/model` show."""
        config = self.config
        return {
            "name": config.name,
            "version": config.version,
            "sha256": self.sha256,
            "speed": self.speed,
            "backend": self.backend,
            "labels": {"moods": list(config.moods), "topics": list(config.topics)},
            "languages": config.languages.model_dump(mode="json"),
            "limits": config.limits.model_dump(mode="json"),
            "thresholds": config.thresholds.model_dump(mode="json"),
            "trained_on": [source.model_dump(mode="json") for source in config.trained_on],
        }


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text cut into windows: what of it was read."""

    windows: list[list[int]]
    tokens: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class StartedTexts:
    """Texts that are being scored."""

    classifier: Classifier
    read: list[ReadText | TextError]
    runs: StartedRuns

    def predictions(self) -> list[Prediction | Rejection]:
        """Waits for the results; in the order of the texts, named by position from "0"."""
        names = [str(at) for at in range(len(self.read))]
        return self.classifier.predictions(names, self.read, self.runs.logits())

    def cancel(self) -> None:
        """Gives up what has not been scored yet."""
        self.runs.cancel()


class Classifier:
    """Scores texts; safe to use from several threads.

    `classify` is all that most callers need. Its three steps, `read`, `score_windows` and `predictions`, are there for
    those who share micro-batches among several askers.
    """

    def __init__(
        self, folder: Path, *, threads: int, speed: Speed | None = None, backend: Backend = "onnxruntime"
    ) -> None:
        checksums = verify_manifest(folder)
        self._config = read_config(folder / CONFIG)
        self.info = ModelInfo(self._config, checksums, speed or self._config.speed, backend)
        # The session first: the memory that it needs for a moment is there again for the tokenizer.
        self._session = open_session(folder, self._config, threads=threads, speed=self.info.speed, backend=backend)
        self._tokenizer = read_tokenizer(folder / TOKENIZER)
        self._begin, self._end, unknown = (id_of(self._tokenizer, piece) for piece in ("<s>", "</s>", "<unk>"))
        self._silent = {unknown, self._tokenizer.token_to_id(WORD_START)}
        labels = 4 + len(self._config.topics)
        if self._session.labels not in (None, labels):
            raise WeightsError(
                f"{folder / GRAPH}: gives {self._session.labels} logits a text, and {CONFIG} names labels for "
                f"{labels}; these files do not belong together"
            )

    def classify(self, texts: Sequence[object], *, ids: Sequence[str] | None = None) -> list[Prediction | Rejection]:
        """Scores texts and gives a prediction each, in the order given.

        A text that cannot be scored gives a rejection in its place and leaves the others alone. `ids` name
        the results; without them they are named by position from "0".

        Raises:
            TypeError: `texts` is a single string.
            ValueError: there are not as many ids as texts.
        """
        if isinstance(texts, str):
            raise TypeError("texts is one string; give a list of texts")
        names = [str(at) for at in range(len(texts))] if ids is None else list(ids)
        if len(names) != len(texts):
            raise ValueError(f"{len(texts)} texts but {len(names)} ids; give one id a text, or none")
        read = self.read(texts)
        return self.predictions(names, read, self._session.logits(_windows_of(read)))

    def start(self, texts: Sequence[object]) -> StartedTexts:
        """Cuts the texts into windows, begins to score them and returns, so that reading and scoring overlap.

        What is started first is scored first.
        """
        read = self.read(texts)
        return StartedTexts(self, read, self._session.start(_windows_of(read)))

    def read(self, texts: Sequence[object]) -> list[ReadText | TextError]:
        """Cuts each text into windows, or says why it cannot be scored."""
        limits = self._config.limits
        cleaned: list[tuple[str, bool] | TextError] = []
        for text in texts:
            try:
                cleaned.append(normalise(text, max_characters=limits.max_characters))
            except TextError as error:
                cleaned.append(error)
        legible = [each[0] for each in cleaned if not isinstance(each, TextError)]
        encodings = iter(self._tokenizer.encode_batch_fast(legible, add_special_tokens=False))
        return [
            each if isinstance(each, TextError) else self._cut(next(encodings).ids, cut=each[1]) for each in cleaned
        ]

    def score_windows(self, windows: Sequence[Sequence[int]]) -> Logits:
        """Scores windows in one run, in the calling thread; (windows, labels) in the order given."""
        return self._session.run(windows)

    def predictions(
        self, ids: Sequence[str], read: Sequence[ReadText | TextError], logits: Logits
    ) -> list[Prediction | Rejection]:
        """Makes a prediction or a rejection of each text read; `logits` are those of all their windows, in order."""
        read, logits = _without_unsound(read, logits)
        heads = self._combined(read, logits)
        moods = mood_probabilities(heads, self._config.calibration)
        topics = topic_probabilities(heads, self._config.calibration)
        results: list[Prediction | Rejection] = []
        decided = decided_moods(moods, self._config.thresholds.angry)
        scored = iter(zip(decided, moods, topics, strict=True))
        for name, each in zip(ids, read, strict=True):
            if isinstance(each, TextError):
                results.append(Rejection(name, each.code, each.message))
            else:
                results.append(self._prediction(name, each, *next(scored)))
        return results

    def logits(self, texts: Sequence[str]) -> tuple[HeadLogits, list[int]]:
        """Uncalibrated logits of the texts that can be scored, and their positions among `texts`.

        For fitting and measuring calibration; scores for use come from `classify`.
        """
        read = self.read(texts)
        kept = [at for at, each in enumerate(read) if isinstance(each, ReadText)]
        return self._combined(read, self._session.logits(_windows_of(read))), kept

    def _cut(self, pieces: list[int], *, cut: bool) -> ReadText | TextError:
        if self._silent.issuperset(pieces):
            return TextError(
                "unreadable_text",
                "no character of the text is in the model's vocabulary; nothing can be said",
            )
        limits = self._config.limits
        kept = pieces[: limits.max_tokens]
        parts = windows(kept, begin=self._begin, end=self._end, window_tokens=limits.window_tokens)
        return ReadText(parts, len(kept), cut or len(kept) < len(pieces))

    def _combined(self, read: Sequence[ReadText | TextError], logits: Logits) -> HeadLogits:
        parts = [each.windows for each in read if isinstance(each, ReadText)]
        if not parts:
            return split_heads(np.empty((0, 4 + len(self._config.topics))))
        return combine_windows(split_heads(logits), parts)

    def _prediction(self, name: str, read: ReadText, decided: int, moods: Floats, topics: Floats) -> Prediction:
        thresholds = self._config.thresholds
        ranked = ranked_topics(topics, self._config.topics)
        return Prediction(
            id=name,
            mood=MOODS[decided],
            scores={label: float(score) for label, score in zip(MOODS, moods, strict=True)},
            topics=topics_over(ranked, thresholds),
            all_topics=ranked,
            needs_review=bool(moods[decided] < thresholds.needs_review),
            truncated=read.truncated,
            tokens=read.tokens,
        )


def _without_unsound(
    read: Sequence[ReadText | TextError], logits: Logits
) -> tuple[Sequence[ReadText | TextError], Logits]:
    """Rejects the texts of which a window has a logit that is no number, and leaves out their logits."""
    unsound: npt.NDArray[np.bool_] = np.any(~np.isfinite(logits), axis=1)
    if not unsound.any():
        return read, logits
    kept: list[ReadText | TextError] = []
    starts_at = 0
    for each in read:
        ends_at = starts_at + (len(each.windows) if isinstance(each, ReadText) else 0)
        if unsound[starts_at:ends_at].any():
            unsound[starts_at:ends_at] = True
            kept.append(TextError(NO_SCORE, "the model gave a score that is no number"))
        else:
            kept.append(each)
        starts_at = ends_at
    return kept, logits[~unsound]


def _windows_of(read: Sequence[ReadText | TextError]) -> list[list[int]]:
    return [window for each in read if isinstance(each, ReadText) for window in each.windows]


def load(
    path: str | Path | None = None, *, threads: int | None = None, speed: Speed | None = None,
    backend: Backend | None = None,
) -> Classifier:  # fmt: skip
    """Loads a weights folder; without a path, the weights shipped with rida.

    `threads` is how many micro-batches are scored at once; by default as many as there are usable cores. `speed` is
    "full" or "fast"; by default what the weights' `config.json` says. `backend` is "onnxruntime", the default, or
    "openvino", which needs `rida[openvino]` and a processor that multiplies in bfloat16.

    Raises:
        WeightsError: the folder is missing, damaged or of another version.
        InputError: `threads` is less than 1, or the weights cannot be had at that speed or with that backend.
    """
    if speed not in (None, *get_args(Speed)):
        raise InputError(f"speed is {speed!r}; give one of {', '.join(get_args(Speed))}, or none for the weights' own")
    if backend not in (None, *get_args(Backend)):
        raise InputError(f"backend is {backend!r}; give one of {', '.join(get_args(Backend))}, or none")
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}; give a whole number from 1 on, or none for all cores")
    folder = SHIPPED_WEIGHTS if path is None else Path(path)
    return Classifier(folder, threads=threads or usable_cores(), speed=speed, backend=backend or "onnxruntime")
