"""Toy models of superposition, many instances at once: what is trained, and the result of training.

Source: Elhage et al. 2022, "Toy Models of Superposition". With W of shape (hidden, features) and b (features):
    relu        x' = relu(WᵀWx + b)
    linear      x' = WᵀWx + b
    privileged  h = relu(Wx), x' = relu(Wᵀh + b)
    absolute    y = relu(Vᵀ relu(Wx) + b) for |x|, with V of the shape of W and features on [−1, 1]
and the loss E Σᵢ Iᵢ (xᵢ − x'ᵢ)², without a factor ½.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from slt_bias.errors import InputError, nearest
from slt_bias.subjects.superposition.instances import numbers
from slt_bias.subjects.superposition.laws import IndependentFeatures, Law, check_densities, check_features

Kind = Literal["relu", "linear", "privileged", "absolute"]
KINDS = get_args(Kind)
Start = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """A toy model under one or many conditions, the cells of a grid.

    features, hidden : n and m; hidden ≤ features but for kind "absolute".
    density : probability that a feature is on: one number, or an array whose last axis is 1 or `features`; its leading axes
        are axes of cells. Default 1.
    importances : I, an array whose last axis is `features`; its leading axes and those of the density are broadcast. Default 1.
    law : instead of a density, a law of `laws`, or a sequence of laws, which is one axis of cells (the last one).
    kind : "relu", "linear", "privileged" or "absolute", see the module's docstring.
    cells : the shape of the grid, () for one condition.
    Raises InputError for what does not fit.
    """

    features: int
    hidden: int
    density: float | np.ndarray | Sequence[float] | None = None
    importances: np.ndarray | Sequence[float] | None = None
    law: Law | Sequence[Law] | None = None
    kind: Kind = "relu"
    cells: tuple[int, ...] = field(init=False, repr=False)
    laws: tuple[Law, ...] = field(init=False, repr=False)  # of each cell, in C order
    shares: np.ndarray = field(init=False, repr=False)  # importances of each cell, (cells, features)

    def __post_init__(self) -> None:
        features, hidden = check_features(self.features), _whole(self.hidden, "hidden", 1)
        if self.kind not in KINDS:
            raise InputError(f"kind={self.kind!r}: the toy models know no such kind.{nearest(str(self.kind), KINDS)}")
        if hidden > features and self.kind != "absolute":
            raise InputError(f"hidden={hidden} for {features} features: give at most as many hidden dimensions as features.")
        if self.law is not None and self.density is not None:
            raise InputError("a density and a law: give one of the two, for the law holds its own density.")
        shares = numbers(1.0 if self.importances is None else np.asarray(self.importances), "importances")
        if self.importances is not None and shares.shape[-1:] != (features,):
            raise InputError(f"importances of shape {shares.shape}: give one number for each of the {features} features.")
        if not (shares > 0).all():
            raise InputError("importances: give numbers above 0.")
        laws, grid = _laws(features, self.density) if self.law is None else _given(features, self.law)
        try:
            cells = np.broadcast_shapes(grid, shares.shape[:-1])
        except ValueError:
            raise InputError(
                f"density or laws of cells {grid} and importances of cells {shares.shape[:-1]}: give shapes that fit together."
            ) from None
        if 0 in cells:
            raise InputError(f"cells of shape {cells}: give at least one cell.")
        places = np.broadcast_to(np.arange(len(laws)).reshape(grid), cells).ravel()
        for name, value in (
            ("features", features),
            ("hidden", hidden),
            ("cells", cells),
            ("laws", tuple(laws[place] for place in places)),
            ("shares", np.ascontiguousarray(np.broadcast_to(shares, (*cells, features))).reshape(-1, features)),
        ):
            object.__setattr__(self, name, value)

    def fit(
        self,
        seeds: int | Sequence[int] = 1,
        *,
        steps: int = 5000,
        batch: int | None = 1024,
        learning_rate: float = 3e-3,
        decay: Literal["cosine", "constant"] = "cosine",
        start: Start | None = None,
        record: Sequence[int] = (),
        workers: int | None = None,
        progress: bool = False,
    ) -> Fitted:
        """Train every cell from every seed with Adam (Kingma & Ba 2015); an instance is one cell with one seed.

        seeds : how many, or which. batch : fresh examples a step, or None for the gradient of the exact population loss
        (`exact.closed_form` says where there is one). decay : the learning rate falls to 0 along a cosine, or stays.
        start : (weights, bias), and the decoder of kind "absolute", broadcast to (*cells, seeds, …); by default W is normal
        with variance 2/(features + hidden) (Glorot & Bengio 2010), alike in all cells of a seed, and b = 0.
        record : steps after which the weights are kept, ascending from 0.
        An instance's draws depend on its seed, model, law and importances alone: the result is the same to the bit whatever
        else is trained along, and for any number of workers. Raises InputError for arguments that do not fit.
        """
        from slt_bias.subjects.superposition.training import Plan, train

        chosen = tuple(range(_whole(seeds, "seeds", 1))) if isinstance(seeds, int) else tuple(seeds)
        if not chosen or len({_whole(seed, "seeds", 0) for seed in chosen}) < len(chosen):
            raise InputError(f"seeds={seeds!r}: give how many, or different whole numbers.")
        _whole(steps, "steps", 0)
        if batch is not None:
            _whole(batch, "batch", 1)
        if not 0 < learning_rate < float("inf"):
            raise InputError(f"learning_rate={learning_rate!r}: give a number above 0.")
        if decay not in ("cosine", "constant"):
            raise InputError(f"decay={decay!r}: give 'cosine' or 'constant'.")
        kept = [_whole(step, "record", 0) for step in record]
        if kept != sorted(set(kept)) or (kept and kept[-1] > steps):
            raise InputError(f"record={record!r}: give ascending steps from 0 to {steps}.")
        plan = Plan(chosen, steps, batch, learning_rate, decay, tuple(kept))
        return train(self, plan, start, workers, progress)

    def loss(
        self,
        weights: np.ndarray,
        bias: np.ndarray,
        decoder: np.ndarray | None = None,
        examples: int = 65_536,
        seed: int = 0,
        workers: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(loss, its standard error), each (*cells, …), of weights (*cells, …, hidden, features), bias (*cells, …, features).

        Exact with error 0 where there is a closed form, else the mean over examples drawn from the law, the same for all
        instances of a cell: so many that, on average, `examples` of them have a feature that is on.
        Raises InputError for shapes that do not fit.
        """
        from slt_bias.subjects.superposition.evaluation import evaluate

        return evaluate(self, weights, bias, decoder, _whole(examples, "examples", 2), seed, workers)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Trained instances: axes are the cells of the model, then the seeds.

    weights : W (*cells, seeds, hidden, features), float64; bias : (*cells, seeds, features); decoder : V, of the shape of
    weights, for kind "absolute", else None.
    loss, loss_error : (*cells, seeds), as `Model.loss` gives them.
    steps : those recorded; path_weights, path_bias, path_decoder, path_loss : the same arrays after each, one axis in front.
    """

    model: Model
    seeds: tuple[int, ...]
    weights: np.ndarray
    bias: np.ndarray
    decoder: np.ndarray | None
    loss: np.ndarray
    loss_error: np.ndarray
    steps: tuple[int, ...]
    path_weights: np.ndarray
    path_bias: np.ndarray
    path_decoder: np.ndarray | None
    path_loss: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The number of the seed of lowest loss, (*cells)."""
        return np.asarray(self.loss.argmin(-1))

    @property
    def best_weights(self) -> np.ndarray:
        """W of the best seed, (*cells, hidden, features)."""
        return np.asarray(np.take_along_axis(self.weights, self.best[..., None, None, None], -3)[..., 0, :, :])

    @property
    def best_bias(self) -> np.ndarray:
        """b of the best seed, (*cells, features)."""
        return np.asarray(np.take_along_axis(self.bias, self.best[..., None, None], -2)[..., 0, :])


def _laws(features: int, density: Any) -> tuple[list[Law], tuple[int, ...]]:
    """The laws of independent features of an array of densities, and the shape of its cells."""
    values = numbers(1.0 if density is None else np.asarray(density), "density")
    if values.ndim and values.shape[-1] not in (1, features):
        raise InputError(f"density of shape {values.shape}: its last axis is 1, or one number a feature, {features} in all.")
    rows = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
    found: dict[bytes, Law] = {}
    for row in rows:
        if row.tobytes() not in found:
            check_densities(row.tolist(), len(row), "feature")
            same = len(set(row.tolist())) == 1
            found[row.tobytes()] = IndependentFeatures(features, float(row[0]) if same else tuple(row.tolist()))
    return [found[row.tobytes()] for row in rows], values.shape[:-1]


def _given(features: int, law: Law | Sequence[Law]) -> tuple[list[Law], tuple[int, ...]]:
    laws, grid = ([*law], (len(law),)) if isinstance(law, Sequence) else ([law], ())
    for each in laws:
        if not hasattr(each, "second_moments"):
            raise InputError(f"law={each!r}: give a law such as CorrelatedSets(((0, 1), (2, 3)), density=.05).")
        if each.features != features:
            raise InputError(f"a model of {features} features and a law of {each.features}: give them the same number.")
    return laws, grid


def _whole(value: Any, name: str, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(f"{name}={value!r}: give a whole number, at least {least}.")
    return number
