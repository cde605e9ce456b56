"""What labels teach: of texts that were suggested, beside as many drawn by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.labelling.rows import Read
from training.doubt import answers
from training.suggest import Pool, choose
from training.targets import mood_targets

BUDGETS: Final = (100, 200, 400)
_TESTED: Final = 0.3
_STRENGTH: Final = 0.01
_STEPS: Final = 300

Positions = npt.NDArray[np.int64]


def measure(read: Read, seeds: int) -> dict[str, Any]:
    """Mood macro-F1 on rows left aside, after a regression on vectors has learned so many labels chosen each way."""
    ways: dict[str, Callable[[Read, int, np.random.Generator], Positions]] = {
        "by chance": _by_chance,
        "most doubtful": _most_doubtful,
        "suggested (used)": _suggested,
    }
    found: dict[str, dict[int, list[float]]] = {name: {budget: [] for budget in BUDGETS} for name in ways}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(read.rows))
        tested = round(_TESTED * len(order))
        test, pool = read.some(order[:tested]), read.some(order[tested:])
        for name, way in ways.items():
            for budget in BUDGETS:
                picked = pool.some(way(pool, budget, np.random.default_rng(seed)))
                found[name][budget].append(_macro_f1(picked, test))
    return {
        "pool": len(pool.rows),
        "tested": len(test.rows),
        "all_of_the_pool": round(_macro_f1(pool, test), 4),
        "ways": {
            name: {str(budget): _spread(scores) for budget, scores in each.items()} for name, each in found.items()
        },
        "gain_over_chance": {
            name: {
                str(budget): _spread(np.subtract(scores, found["by chance"][budget]).tolist())
                for budget, scores in each.items()
            }
            for name, each in found.items()
            if name != "by chance"
        },
    }


def _by_chance(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    return chance.choice(len(pool.rows), budget, replace=False)


def _most_doubtful(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    return np.argsort(-answers(pool.heads, pool.config).doubts, kind="stable")[:budget]


def _suggested(pool: Read, budget: int, chance: np.random.Generator) -> Positions:
    kept = Pool(budget)
    ids = [str(at) for at in range(len(pool.rows))]
    kept.offer(
        ids,
        [row.text for row in pool.rows],
        [row.lang for row in pool.rows],
        pool.vectors,
        answers(pool.heads, pool.config),
    )
    return np.array([int(each.candidate.id) for each in choose(kept, budget)])


def _macro_f1(learned: Read, test: Read) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=_STEPS))
    model.fit(learned.vectors, mood_targets(learned.rows))
    return float(f1_score(mood_targets(test.rows), model.predict(test.vectors), average="macro"))


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 4), "deviation": round(float(np.std(values, ddof=1)), 4)}
