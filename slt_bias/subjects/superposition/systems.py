"""The toy models as systems to measure: model, loss and data, with the loss Σᵢ Iᵢ (xᵢ − x'ᵢ)² of Elhage et al. 2022.

* "relu": x' = relu(WᵀWx + b); "linear": x' = WᵀWx + b; "privileged": h = relu(Wx), x' = relu(Wᵀh + b).
W has shape (hidden, features), b (features).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from slt_bias import losses
from slt_bias.errors import InputError, nearest
from slt_bias.subjects.superposition.instances import check_instances
from slt_bias.subjects.superposition.laws import Law, OneHot
from slt_bias.subjects.system import System

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["relu", "linear", "privileged"]


def autoencoder(weights: np.ndarray, bias: np.ndarray, model: Kind = "relu") -> nn.Module:
    """The torch module with parameters `W` (hidden, features) and `b` (features), float64, in eval mode.

    It offers `layer_stack()`, so that `sb.llc` compiles it. Raises InputError for hidden > features, shapes that do not fit,
    entries that are not finite, and an unknown model.
    """
    if model not in get_args(Kind):
        raise InputError(f"model={model!r}: the toy models know no such kind.{nearest(str(model), get_args(Kind))}")
    matrix, offset, _ = check_instances(weights, bias)
    if matrix.ndim != 2:
        raise InputError(f"weights of shape {np.shape(weights)}, bias {np.shape(bias)}: give one instance: (hidden, features).")
    from slt_bias.subjects.superposition.module import Autoencoder, PrivilegedBasis

    if model == "privileged":
        return PrivilegedBasis(matrix, offset).eval()
    return Autoencoder(matrix, offset, "relu" if model == "relu" else "identity").eval()


def system(
    weights: np.ndarray,
    bias: np.ndarray,
    law: Law,
    examples: int | None = None,
    importances: np.ndarray | None = None,
    model: Kind = "relu",
    scale: float = 1.0,
    seed: int = 0,
) -> System:
    """A toy model at (W, b), its loss scale · Σᵢ Iᵢ (xᵢ − x'ᵢ)² and `examples` draws from the law, (examples, features) float64.

    examples : None for the exact population loss, `loss(model)`; for model "relu" and the one-hot law alone.
    scale : 1 as in Elhage et al. 2022; ½ for the negative log-likelihood of noise of variance 1, in nats.
    Raises InputError for arguments that do not fit.
    """
    module = autoencoder(weights, bias, model)
    features = np.shape(bias)[-1]
    if law.features != features:
        raise InputError(f"weights of {features} features and a law of {law.features}: give them the same number.")
    if not 0 < scale < float("inf"):
        raise InputError(f"scale={scale!r}: give a number above 0.")
    shares = None if importances is None else np.array(check_instances(weights, bias, importances)[2])
    name = f"superposition:model={model},hidden={np.shape(weights)[-2]},{law.spec}"
    if examples is None:
        if model != "relu" or not isinstance(law, OneHot):
            raise InputError("examples=None: the population loss is for model 'relu' and the one-hot law; give examples=n.")
        from slt_bias.subjects.superposition.module import OneHotLoss

        return System(name, module, OneHotLoss(shares, scale))
    rows = law.draw(seed, "examples", 0, examples)
    if not len(rows):
        raise InputError("examples=0: give a whole number, at least 1.")
    import torch

    loss = losses.squared_error(target=0, weights=None if shares is None else shares.tolist(), scale=scale)
    return System(f"{name},examples={examples},seed={seed}", module, loss, (torch.from_numpy(rows),))
