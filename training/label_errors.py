"""Labels that are probably wrong, by confident learning.

A label is doubted where probabilities that were made without it say something else, and more surely so than they
usually are of that other label (Northcutt et al. 2021, https://arxiv.org/abs/1911.00068; the library is cleanlab). The
probabilities are the mean of two: those of a logistic regression on the texts' vectors, learned from the other rows,
which knows how labels are used in this file, and the weights' own, which know the task from elsewhere. What either
finds alone: `benchmarks/labelling`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.config import WeightsConfig
from model.labels import MOODS, SATISFACTION
from training.targets import UNKNOWN, mood_targets, satisfaction_targets, topic_targets

_STRENGTH: Final = 0.003  # of a regression on some hundreds of columns; from 0.001 to 0.03 it finds as many errors
_STEPS: Final = 200

FOLDS: Final = 5
"""Parts in which rows are left out in turn; a label with fewer rows cannot be in each of them."""

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelError:
    """A row's label that is probably wrong: `given`, of the probability `given_probability`, where `likelier` is.

    Of a topic, `given` is empty where the row lacks it, `likelier` where it should not have it.
    """

    row: int
    given: str
    likelier: str
    given_probability: float
    probability: float


def find_label_errors(
    rows: Sequence[FeedbackRow],
    vectors: Floats,
    heads: HeadLogits,
    groups: Sequence[int],
    config: WeightsConfig,
    topics: Sequence[str],
) -> list[LabelError]:
    """Doubtful moods and topics, the most doubtful first.

    `vectors` (rows, width) and `heads` are those of the rows' texts. Rows of one group, near-duplicates of each other,
    are left out together. `topics` are those that the rows may have; the weights need not know them.
    """
    found = _mood_errors(rows, vectors, heads, groups, config)
    targets = topic_targets(rows, topics)
    known = topic_probabilities(heads, config.calibration)
    for at, name in enumerate(topics):
        of_weights = known[:, config.topics.index(name)] if name in config.topics else None
        found += _topic_errors(name, targets[:, at], vectors, of_weights, groups)
    return sorted(found, key=lambda error: (error.given_probability, error.row, error.likelier))


def _mood_errors(
    rows: Sequence[FeedbackRow], vectors: Floats, heads: HeadLogits, groups: Sequence[int], config: WeightsConfig
) -> list[LabelError]:
    moods = mood_probabilities(heads, config.calibration)
    names: tuple[str, ...] = MOODS
    classes = mood_targets(rows)
    if (satisfaction_targets(rows)[classes == UNKNOWN] != UNKNOWN).any():
        # Stars, or "unhappy": rows that do not say whether somebody is angry.
        names, classes = SATISFACTION, satisfaction_targets(rows)
        moods = np.column_stack([moods[:, :2], moods[:, 2:].sum(axis=1)])
    said = np.flatnonzero(classes != UNKNOWN).tolist()
    if len(set(classes[said].tolist())) < 2:
        return []
    given = classes[said]
    probabilities = blended(vectors[said], given, [groups[at] for at in said], moods[said])
    if probabilities is None:
        return []
    return [
        LabelError(
            row=said[at],
            given=names[given[at]],
            likelier=names[likelier],
            given_probability=float(probabilities[at, given[at]]),
            probability=float(probabilities[at, likelier]),
        )
        for at in doubtful(given, probabilities)
        if (likelier := int(probabilities[at].argmax())) != given[at]
    ]


def _topic_errors(
    name: str, targets: Classes, vectors: Floats, of_weights: Floats | None, groups: Sequence[int]
) -> list[LabelError]:
    said = np.flatnonzero(targets != UNKNOWN).tolist()
    given = targets[said]
    if len(set(given.tolist())) < 2:
        return []
    both = None if of_weights is None else np.column_stack([1 - of_weights[said], of_weights[said]])
    probabilities = blended(vectors[said], given, [groups[at] for at in said], both)
    if probabilities is None:
        return []
    return [
        LabelError(
            row=said[at],
            given=name if given[at] else "",
            likelier="" if given[at] else name,
            given_probability=float(probabilities[at, given[at]]),
            probability=float(probabilities[at, 1 - given[at]]),
        )
        for at in doubtful(given, probabilities)
        if probabilities[at, given[at]] < 0.5
    ]


def doubtful(given: Classes, probabilities: Floats) -> list[int]:
    """Positions of rows whose label is probably wrong, the most doubtful first; at least two labels are given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels with too few rows to doubt any
        found = find_label_issues(given, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return [int(at) for at in found]


def blended(vectors: Floats, given: Classes, groups: Sequence[int], of_weights: Floats | None) -> Floats | None:
    """Probabilities (rows, labels) made without each row's own label; those of the weights may be unknown.

    Where fewer than two labels have as many different texts as there are folds, those of the weights alone.
    """
    texts = [len({groups[at] for at in np.flatnonzero(given == label).tolist()}) for label in np.unique(given)]
    if sum(count >= FOLDS for count in texts) < 2:
        return of_weights
    if of_weights is None:
        return left_out(vectors, given, groups, int(given.max()) + 1)
    learned = left_out(vectors, given, groups, of_weights.shape[1])
    # Of a label with hardly any row the regression knows nothing.
    rare = np.bincount(given, minlength=of_weights.shape[1])[given] < FOLDS
    learned[rare] = of_weights[rare]
    return np.asarray((learned + of_weights) / 2)


def left_out(vectors: Floats, given: Classes, groups: Sequence[int], labels: int) -> Floats:
    """Probabilities (rows, labels) of a logistic regression that was learned from the other folds' rows."""
    found = np.zeros((len(given), labels))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    # One thread: the matrices are small, and several only get into each other's way.
    with threadpool_limits(1), warnings.catch_warnings():
        # A label with fewer rows than folds, or a regression stopped early: both are good enough to doubt by.
        warnings.simplefilter("ignore")
        for learn, ask in folds.split(vectors, given, groups):
            present = np.unique(given[learn])
            if len(present) == 1:
                found[ask, present[0]] = 1
                continue
            model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=_STEPS, tol=1e-3))
            model.fit(vectors[learn], given[learn])
            found[np.ix_(ask, present)] = model.predict_proba(vectors[ask])
    return found
