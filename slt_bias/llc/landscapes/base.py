"""What samplers see of a model: L_n and its gradient for many flat parameter vectors at once."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Landscape(Protocol):
    """The mean loss L_n(w) = (1/n) Σᵢ ℓᵢ(w) of a model on its data, over flat parameter vectors.

    All arrays are float64 and C-contiguous; k parameter vectors are the rows of a (k, dimension) array. A row's result
    does not depend on the other rows. A loss that overflows is returned as it is (inf or NaN): the samplers deal with it.

    dimension : number of parameters that are sampled.
    examples : n; None where the loss is a population loss (then `rows` must be None and there are no single examples).
    backend : "compiled" or "torch".
    """

    @property
    def dimension(self) -> int:
        """Number of sampled parameters."""

    @property
    def examples(self) -> int | None:
        """n, or None."""

    @property
    def backend(self) -> str:
        """How it is computed."""

    def losses(self, parameters: np.ndarray) -> np.ndarray:
        """L_n of each row on the whole data: (k, dimension) → (k,), in nats an example."""

    def gradients(self, parameters: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean losses (k,) and their gradients (k, dimension); rows : (k, batch) examples of each row's minibatch, None = all."""

    def example_losses(self, parameters: np.ndarray) -> np.ndarray:
        """ℓᵢ of each row: (k, dimension) → (k, examples)."""
