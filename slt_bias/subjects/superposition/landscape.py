"""Losses of the one-hot model over flat parameter vectors, compiled: what the samplers of `sb.llc` see of a model.

Both classes have the members of `slt_bias.llc.landscapes.base.Landscape`; a vector is (W row by row, b), the order of the
parameters of `Autoencoder`. A vector's bits do not depend on the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.instances import check_instances
from slt_bias.subjects.superposition.laws import check_features
from slt_bias.subjects.superposition.one_hot import fast_gradient


@dataclass(frozen=True)
class OneHotLandscape:
    """The population loss: scale · L(W, b) of `one_hot`.

    scale : ½ for the negative log-likelihood of noise of variance 1, in nats; 1 for the bare squared error.
    Raises InputError for hidden > features, and a scale that is not above 0.
    """

    features: int
    hidden: int = 2
    scale: float = 1.0

    backend = "compiled"
    examples = None

    def __post_init__(self) -> None:
        shape = check_features(self.hidden), check_features(self.features)
        check_instances(np.zeros(shape), np.zeros(shape[1]))
        if not 0 < self.scale < float("inf"):
            raise InputError(f"scale={self.scale!r}: give a number above 0.")

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return (self.hidden + 1) * self.features

    def vectors(self, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """W (…, hidden, features) and b (…, features) as vectors (…, dimension)."""
        return np.concatenate([weights.reshape(*weights.shape[:-2], -1), bias], axis=-1)

    def parts(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W (…, hidden, features) and b (…, features) of vectors (…, dimension)."""
        cut = self.hidden * self.features
        return vectors[..., :cut].reshape(*vectors.shape[:-1], self.hidden, self.features), vectors[..., cut:]

    def losses(self, parameters: np.ndarray) -> np.ndarray:
        """scale · L of each row: (k, dimension) → (k,)."""
        return self.gradients(parameters)[0]

    def gradients(self, parameters: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """scale · L (k,) and its gradient (k, dimension). rows : None: there are no minibatches."""
        if rows is not None:
            raise InputError("rows: this loss is always that of the whole law or sample: leave the minibatch out.")
        weights, bias = (np.ascontiguousarray(part, np.float64) for part in self.parts(np.asarray(parameters)))
        losses, by_weights, by_bias = self._gradients(weights, bias)
        return self.scale * losses, self.scale * self.vectors(by_weights, by_bias)

    def example_losses(self, parameters: np.ndarray) -> np.ndarray:
        """A law has no single examples. Raises InputError."""
        raise InputError("a population loss has no losses of single examples.")

    def _gradients(self, weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return fast_gradient(weights, bias, np.ones_like(bias))


@dataclass(frozen=True, eq=False, kw_only=True)
class OneHotSample(OneHotLandscape):
    """The loss on n drawn examples x = values[e] · e_{which[e]}: scale · (1/n) Σ ‖x − x'‖², in time that grows as log n.

    which : feature of each example, 0 … features − 1, (n,). values : in [0, 1], (n,).
    Raises InputError also for no example, or features and values that do not fit.
    """

    which: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        which, values = np.asarray(self.which), np.asarray(self.values, np.float64)
        if which.shape != values.shape or which.ndim != 1 or not len(which) or which.dtype.kind not in "iu":
            raise InputError("which, values: give the features (whole numbers) and values of at least one example, both (n,).")
        if which.min() < 0 or which.max() >= self.features or not ((values >= 0) & (values <= 1)).all():
            raise InputError(f"which, values: features lie in 0 … {self.features - 1}, values in [0, 1].")

    @property
    def examples(self) -> int:  # type: ignore[override]
        """n."""
        return len(self.which)

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        order = np.lexsort((self.values, self.which))
        values = np.asarray(self.values, np.float64)[order]
        edges = np.searchsorted(np.asarray(self.which)[order], np.arange(self.features + 1))
        return values, np.append(0.0, np.cumsum(values)), np.append(0.0, np.cumsum(values**2)), edges

    def example_losses(self, parameters: np.ndarray) -> np.ndarray:
        """scale · ‖x − x'‖² of each example: (k, dimension) → (k, n)."""
        weights, bias = self.parts(np.asarray(parameters, np.float64))
        gram = np.swapaxes(weights, -1, -2) @ weights
        outputs = np.maximum(gram[:, self.which] * self.values[:, None] + bias[:, None, :], 0.0)
        wanted = np.where(np.arange(self.features) == self.which[:, None], self.values[:, None], 0.0)
        losses: np.ndarray = self.scale * np.square(outputs - wanted).sum(-1)
        return losses

    def _gradients(self, weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from slt_bias.subjects.superposition import _one_hot_kernel as kernel

        found = np.empty(len(bias)), np.empty_like(weights), np.empty_like(bias)
        kernel.sample_gradients(weights, bias, *self._sorted, *found)
        return found
