"""What labels teach: of texts that were suggested, beside as many drawn by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.labelling.figures import spread
from benchmarks.labelling.rows import Read
from model.labels import TOPICS
from training.doubt import Answers, answers
from training.suggest import Pool, choose
from training.targets import UNKNOWN, mood_targets, satisfaction_targets, topic_targets

BUDGETS: Final = (100, 200, 400)
CHANCE: Final = "by chance"

_TESTED: Final = 0.3
_STRENGTH: Final = 0.01
_STEPS: Final = 300

Positions = npt.NDArray[np.int64]
Way = Callable[[Read, int, np.random.Generator], Positions]


def measure(read: Read, seeds: int) -> dict[str, Any]:
    """Macro-F1 on rows left aside, after regressions on vectors have learned so many labels chosen each way.

    Of moods, or of satisfaction where rows do not say who is angry; and, where rows have topics, of those.
    """
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    of_all: dict[str, list[float]] = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(read.rows))
        tested = round(_TESTED * len(order))
        test, pool = read.some(order[:tested]), read.some(order[tested:])
        for task, score in _scores(pool, test).items():
            of_all.setdefault(task, []).append(score)
        for name, way in WAYS.items():
            for budget in BUDGETS:
                picked = pool.some(way(pool, budget, np.random.default_rng(seed)))
                for task, score in _scores(picked, test).items():
                    found.setdefault(task, {}).setdefault(name, {}).setdefault(budget, []).append(score)
    return {
        "rows": len(read.rows),
        "pool": len(read.rows) - round(_TESTED * len(read.rows)),
        "tasks": {
            task: {"all_of_the_pool": spread(of_all[task]), "ways": _figures(ways)} for task, ways in found.items()
        },
    }


def _figures(ways: Mapping[str, Mapping[int, list[float]]]) -> dict[str, Any]:
    """Each way's macro-F1 by budget, and its gain over chance in the same draws."""
    return {
        name: {
            str(budget): {
                "macro_f1": spread(scores),
                "gain": spread(np.subtract(scores, ways[CHANCE][budget]).tolist()),
            }
            for budget, scores in by_budget.items()
        }
        for name, by_budget in ways.items()
    }


def _by_chance(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    return chance.choice(len(pool.rows), budget, replace=False)


def _most_doubtful(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    return np.argsort(-answers(pool.heads, pool.config).doubts, kind="stable")[:budget]


def _suggested(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    return _chosen(pool, budget, answers(pool.heads, pool.config))


def _clustered(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    """As suggested, but every text in the same doubt."""
    said = answers(pool.heads, pool.config)
    equal = Answers(said.moods, said.topics, said.decided, np.ones_like(said.mood_costs), 0 * said.topic_costs)
    return _chosen(pool, budget, equal)


def _chosen(pool: Read, budget: int, said: Answers) -> Positions:
    kept = Pool(budget)
    texts, languages = [row.text for row in pool.rows], [row.lang for row in pool.rows]
    kept.offer([str(at) for at in range(len(texts))], texts, languages, pool.vectors, said)
    return np.array([int(each.candidate.id) for each in choose(kept, budget)])


WAYS: Final[dict[str, Way]] = {
    CHANCE: _by_chance,
    "most doubtful": _most_doubtful,
    "clusters alone": _clustered,
    "suggested: clusters and doubt": _suggested,
}


def _scores(learned: Read, test: Read) -> dict[str, float]:
    every = mood_targets(test.rows)
    targets = mood_targets if (every != UNKNOWN).all() else satisfaction_targets
    found = {"mood" if targets is mood_targets else "satisfaction": _macro_f1(learned, test, targets)}
    if all(row.topics is not None and row.topics_covered is None for row in test.rows):
        gold, said = topic_targets(test.rows), topic_targets(learned.rows)
        found["topics"] = float(
            np.mean([_topic_f1(learned, test, said[:, at], gold[:, at]) for at in range(len(TOPICS))])
        )
    return found


def _macro_f1(learned: Read, test: Read, targets: Callable[..., Positions]) -> float:
    said = _regression(learned.vectors, targets(learned.rows)).predict(test.vectors)
    return float(f1_score(targets(test.rows), said, average="macro", zero_division=0))


def _topic_f1(learned: Read, test: Read, said: Positions, gold: Positions) -> float:
    if len(set(said.tolist())) < 2:
        return 0.0
    return float(f1_score(gold, _regression(learned.vectors, said).predict(test.vectors), zero_division=0))


def _regression(vectors: npt.NDArray[np.float64], targets: Positions) -> Any:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=_STEPS, tol=1e-3))
    return model.fit(vectors, targets)
