"""Which texts to label next: those that the weights are in doubt about, and of those not twice the same.

The texts of a language are clustered by their vectors, as many clusters as texts are wanted, and of the half of each
cluster that is nearer to its centre the most doubtful text is taken. With a few hundred labels, typical texts of each
cluster teach more than doubtful ones from anywhere (Hacohen et al. 2022, https://arxiv.org/abs/2202.02794), and the
most doubtful alone less than texts drawn by chance; `benchmarks/labelling` shows it.
"""

from __future__ import annotations

import hashlib
import heapq
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from training.doubt import Answers
from training.near_duplicates import NearDuplicates

CANDIDATES: Final = 20
"""Texts of a language that are kept for each that is wanted: then the nearer half of a cluster leaves a choice."""

_FEWEST_KEPT: Final = 2_000
_MOST_KEPT: Final = 20_000
"""Of one language: with more, clustering would take minutes."""

_ROUNDS: Final = 25  # of k-means; its centres hardly move after a dozen


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text and the weights' answer on it: `moods` (4,) and `topics` (topics,) are probabilities."""

    id: str
    text: str
    language: str
    doubt: float
    decided: int
    mood_cost: float
    moods: npt.NDArray[np.float32]
    topics: npt.NDArray[np.float32]
    topic_costs: npt.NDArray[np.float32]
    vector: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to label; it stands for `alike` other candidates, those of its cluster."""

    candidate: Candidate
    alike: int


class Pool:
    """Keeps a fair sample of each language's texts while all go by: of each twenty times `count`, at least 2,000 and at
    most 20,000 (or twice `count`), so that memory grows with `count` and the languages, not with the texts.

    The texts with the smallest hashes: the same texts give the same sample, in whatever order they come (Cohen and
    Kaplan, "Summarizing data using bottom-k sketches", 2007).
    """

    def __init__(self, count: int) -> None:
        self._most = max(2 * count, min(max(CANDIDATES * count, _FEWEST_KEPT), _MOST_KEPT))
        self._heaps: dict[str, list[tuple[int, Candidate]]] = {}  # hashes are negated: the largest is on top
        self.seen: Counter[str] = Counter()
        """Texts offered, by language."""

    def offer(
        self, ids: Sequence[str], texts: Sequence[str], languages: Sequence[str], vectors: npt.NDArray[np.floating],
        said: Answers,
    ) -> None:  # fmt: skip
        """Takes different texts, with their vectors (texts, width) and the weights' answers on them."""
        doubts = said.doubts
        for at, language in enumerate(languages):
            self.seen[language] += 1
            heap = self._heaps.setdefault(language, [])
            doubt = float(doubts[at])
            if not np.isfinite(doubt):
                continue
            number = -_hash(texts[at])
            if len(heap) >= self._most and number <= heap[0][0]:
                continue
            candidate = Candidate(
                id=ids[at],
                text=texts[at],
                language=language,
                doubt=doubt,
                decided=int(said.decided[at]),
                mood_cost=float(said.mood_costs[at]),
                moods=said.moods[at].astype(np.float32),
                topics=said.topics[at].astype(np.float32),
                topic_costs=said.topic_costs[at].astype(np.float32),
                vector=vectors[at].astype(np.float16),
            )
            (heapq.heappush if len(heap) < self._most else heapq.heappushpop)(heap, (number, candidate))

    def candidates(self) -> dict[str, list[Candidate]]:
        """The texts kept of each language, the most doubtful first."""
        return {
            language: sorted((entry[1] for entry in heap), key=lambda each: (-each.doubt, each.text))
            for language, heap in sorted(self._heaps.items())
        }


def _hash(text: str) -> int:
    # Sixteen bytes: no two different texts have the same.
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())


def choose(pool: Pool, count: int, labelled: Iterable[str] = ()) -> list[Suggestion]:
    """The `count` texts whose labels would help most, or fewer where there are not as many; the most doubtful first.

    None nearly repeats another or one of the texts that are `labelled`.
    """
    known = NearDuplicates()
    for at, text in enumerate(labelled):
        known.earlier(-at - 1, text)
    kept: dict[str, list[Candidate]] = {}
    number = 0
    for language, candidates in pool.candidates().items():
        kept[language] = []
        for candidate in candidates:
            if known.earlier(number, candidate.text) is None:
                kept[language].append(candidate)
            number += 1
    seats = shares({name: pool.seen[name] for name in kept}, {name: len(each) for name, each in kept.items()}, count)
    chosen = [suggestion for name, wanted in seats.items() for suggestion in _spread(kept[name], wanted)]
    return sorted(chosen, key=lambda each: -each.candidate.doubt)


def shares(texts: Mapping[str, int], most: Mapping[str, int], count: int) -> dict[str, int]:
    """How many of `count` each language gets, at most `most` of it: in proportion to the square root of its `texts`.

    Between its share of the texts and the same for all, as languages are drawn for training (`data/mixing.py`). Seat by
    seat to the language that is furthest behind (Sainte-Laguë).
    """
    given = dict.fromkeys(texts, 0)
    waiting = [(-(texts[name] ** 0.5), name) for name in texts if most[name]]
    heapq.heapify(waiting)
    while waiting and sum(given.values()) < count:
        _, name = heapq.heappop(waiting)
        given[name] += 1
        if given[name] < most[name]:
            heapq.heappush(waiting, (-(texts[name] ** 0.5) / (2 * given[name] + 1), name))
    return given


def _spread(candidates: Sequence[Candidate], wanted: int) -> Iterator[Suggestion]:
    """One candidate of each of `wanted` clusters; the candidates come by doubt, the most doubtful first."""
    if len(candidates) <= wanted:
        yield from (Suggestion(candidate, 0) for candidate in candidates)
        return
    if not wanted:
        return
    clusters, distances = _clusters(candidates, wanted)
    taken = set()
    for cluster in range(wanted):
        inside = np.flatnonzero(clusters == cluster)
        if len(inside):
            nearer = inside[np.argsort(distances[inside], kind="stable")[: len(inside) // 2 + 1]]
            taken.add(int(nearer.min()))
            yield Suggestion(candidates[int(nearer.min())], len(inside) - 1)
    # Vectors that are equal leave clusters empty; the most doubtful of the others fill up.
    others = (candidate for at, candidate in enumerate(candidates) if at not in taken)
    yield from (Suggestion(candidate, 0) for candidate in islice(others, wanted - len(taken)))


def _clusters(candidates: Sequence[Candidate], wanted: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The cluster of each candidate, and how far it is from its centre."""
    vectors = normalize(np.array([candidate.vector for candidate in candidates], dtype=np.float64))
    # Sums over several threads differ in their last digits from run to run, and so could the texts chosen.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        means = KMeans(wanted, n_init=1, max_iter=_ROUNDS, random_state=0).fit(vectors)
    centres = means.cluster_centers_[means.labels_]
    return means.labels_.astype(np.int64), np.linalg.norm(vectors - centres, axis=1)
