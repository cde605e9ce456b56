"""What heads of own topics see of a text: pooled values of several layers, partly whitened.

Directions in which texts of any kind differ most are shrunk, by statistics of texts that need no label, so that few
examples do not have to learn that these say nothing (whitening: Su et al. 2021, https://arxiv.org/abs/2103.15316; here
with a power under 1). All of it is linear and so becomes part of the heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.calibration import Floats

_POWER = 0.6
"""How far variances are evened out: 0 leaves them, 1 makes all equal; what was best on train rows of three sources."""

_OF_EMBEDDINGS = 0.7
"""Weight of the embeddings beside the layers: words help, but only in the language of the examples."""

_LEAST_VARIANCE = 1e-4
"""Of the largest one; directions with less are noise."""


@dataclass(frozen=True, slots=True)
class Whitening:
    """A linear map from vectors (texts, layers · width) to features: `(vectors - mean) @ matrix`."""

    mean: Floats
    matrix: Floats

    def features(self, vectors: Floats) -> Floats:
        """What heads are fitted on, (texts, layers · width)."""
        return np.asarray((vectors - self.mean) @ self.matrix)

    def unfolded(self, weights: Floats, bias: float) -> tuple[Floats, float]:
        """A head on features as one on the vectors themselves."""
        on_vectors = self.matrix @ weights
        return on_vectors, bias - float(self.mean @ on_vectors)


def fit_whitening(vectors: Floats, layers: int) -> Whitening:
    """Fits the map on unlabelled texts, each layer for itself, embeddings first; features are 1 long on average."""
    parts = np.split(vectors, layers, axis=1)
    width = parts[0].shape[1]
    matrix = np.zeros((layers * width, layers * width))
    weights = np.array([_OF_EMBEDDINGS, *[1.0] * (layers - 1)])
    weights /= np.sqrt(np.square(weights).sum())
    for at, part in enumerate(parts):
        centred = part - part.mean(axis=0)
        variances, directions = np.linalg.eigh(centred.T @ centred / len(part))
        kept = np.maximum(variances, variances.max() * _LEAST_VARIANCE)
        map_ = (directions * kept ** (-_POWER / 2)) @ directions.T
        length = np.sqrt(np.square(centred @ map_).sum(axis=1).mean())
        block = slice(at * width, (at + 1) * width)
        matrix[block, block] = map_ * (weights[at] / length)
    return Whitening(vectors.mean(axis=0), matrix)
