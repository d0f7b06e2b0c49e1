"""Which features a model represents, from dense to sparse (Elhage et al. 2022, "Demonstrating Superposition", "Basic Results").

n = 20 features in m = 5 dimensions with importances Iᵢ = 0.7ⁱ, and n = 80 in m = 20 with Iᵢ = 0.9ⁱ; i counts from 0. The linear
model x' = WᵀWx + b has no superposition: it represents the m features of largest Iᵢ Var xᵢ, whatever the density, and gives the
others their mean, bᵢ = (1 − S)/2. With x' = relu(WᵀWx + b) more and more features share dimensions as they become sparse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from slt_bias.plots.superposition.introduction import Represented, represented_features
from slt_bias.subjects.superposition import Model, norms, superposition
from slt_bias.subjects.superposition.model import Kind
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

REPRESENTED = 0.5  # a feature counts where ‖Wᵢ‖ is above this
SHARED = 0.1  # a feature is in superposition where Σⱼ≠ᵢ(Ŵᵢ·Wⱼ)² is above this
DENSITIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
# features of the small model, fewest and most
EXPECTED = {1.0: (5, 5), 0.3: (7, 8), 0.1: (9, 10), 0.03: (10, 11), 0.01: (11, 12), 0.003: (12, 13)}


@dataclass(frozen=True)
class Size:
    """A model and its importances Iᵢ = decayⁱ."""

    name: str
    features: int
    hidden: int
    decay: float

    @property
    def importances(self) -> np.ndarray:
        """Iᵢ, (features,)."""
        return self.decay ** np.arange(self.features)


SMALL, LARGE = Size("small", 20, 5, 0.7), Size("large", 80, 20, 0.9)


@dataclass(frozen=True, eq=False)
class Trained:
    """The seeds of one kind of model at all densities: weights (densities, seeds, hidden, features), bias, loss, its error."""

    size: Size
    kind: str
    densities: tuple[float, ...]
    weights: np.ndarray
    bias: np.ndarray
    loss: np.ndarray
    loss_error: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The seed of lowest loss at each density."""
        return self.loss.argmin(1)

    @property
    def counts(self) -> np.ndarray:
        """Features with ‖Wᵢ‖ > 0.5, (densities, seeds)."""
        return (norms(self.weights) > REPRESENTED).sum(-1)

    def of_best(self, values: np.ndarray) -> np.ndarray:
        """The rows of the best seeds, (densities, …)."""
        return values[np.arange(len(self.densities)), self.best]


def run(setting: Setting) -> Outcome:
    """Train, count features, compare.

    Tables: "models" (a row a size, kind, density and seed: features, frobenius = ‖W‖_F², loss, loss_error, best) and "features"
    (a row a feature of the best seeds: importance, norm, superposition, bias). Figures: "small" (n = 20), "large" (n = 80).
    """
    densities = setting.pick(DENSITIES, DENSITIES, (1.0, 0.1, 0.01))
    sizes = setting.pick((SMALL, LARGE), (SMALL, LARGE), (SMALL,))
    trained: list[Trained] = []
    for size in sizes:
        if size is SMALL:
            plans = setting.pick(((10, 5000), (20, 10000)), ((5, 3000), (10, 5000)), ((2, 3000), (3, 1000)))
        else:
            plans = setting.pick(((3, 8000), (4, 8000)), ((1, 8000), (2, 4000)), ((1, 1), (1, 1)))
        kinds: tuple[Kind, ...] = ("linear", "relu")
        for kind, (seeds, steps) in zip(kinds, plans, strict=True):
            trained.append(_train(setting, size, kind, densities, seeds, steps))
    claims = [claim for part in trained for claim in (linear_claims(part) if part.kind == "linear" else relu_claims(part))]
    figures = {size.name: _figure(*(part for part in trained if part.size is size)) for size in sizes}
    tables = {
        "models": pd.concat([models_table(part) for part in trained], ignore_index=True),
        "features": pd.concat([features_table(part) for part in trained], ignore_index=True),
    }
    notes = (
        "Losses of the linear model are exact; those of the relu model come from 1,048,576 fresh examples (quick: 262,144), "
        "the same for all seeds.",
        f"A feature counts where its norm is above {REPRESENTED:g}; the best of the seeds is the one of lowest loss.",
    )
    return Outcome(tuple(claims), tables, figures, notes)


def _train(setting: Setting, size: Size, kind: Kind, densities: tuple[float, ...], seeds: int, steps: int) -> Trained:
    model = Model(size.features, size.hidden, density=np.array(densities)[:, None], importances=size.importances, kind=kind)
    fitted = model.fit(
        range(setting.seed, setting.seed + seeds),
        steps=steps,
        batch=None if kind == "linear" else 1024,
        learning_rate=0.01 if kind == "linear" else 0.003,
        workers=setting.workers,
        progress=setting.progress,
    )
    loss, error = model.loss(
        fitted.weights, fitted.bias, examples=setting.pick(1 << 20, 1 << 18, 1 << 16), seed=setting.seed, workers=setting.workers
    )
    return Trained(size, kind, densities, fitted.weights, fitted.bias, loss, error)


def linear_claims(trained: Trained) -> list[Claim]:
    """Exactly m features, ‖W‖_F² = m and bᵢ = (1 − S)/2 for the others, at every density."""
    hidden, lead = trained.size.hidden, f"linear, n={trained.size.features}"
    exact = (trained.counts == hidden) & (norms(trained.weights)[..., :hidden] > REPRESENTED).all(-1)
    squares = np.square(trained.of_best(trained.weights)).sum((-2, -1))
    unseen = norms(trained.of_best(trained.weights)) <= REPRESENTED
    off = np.abs(trained.of_best(trained.bias) - np.array(trained.densities)[:, None] / 2)[unseen].max()
    largest = squares[np.abs(squares - hidden).argmax()]
    at = f"all {len(trained.densities)} densities"
    best = int(trained.of_best(exact).sum())
    return [
        counted(f"{lead}: densities with exactly the first {hidden} features (best)", at, best, best == len(trained.densities)),
        fraction(f"{lead}: seeds with exactly the first {hidden} features", "all", int(exact.sum()), exact.size, 0.95),
        counted(f"{lead}: ‖W‖_F², the value furthest off", f"{hidden} ± 1 %", largest, abs(largest / hidden - 1) <= 0.01),
        counted(f"{lead}: bias of the others, largest difference from (1 − S)/2", "0 ± 0.005", off, off <= 0.005),
    ]


def relu_claims(trained: Trained) -> list[Claim]:
    """How many features are represented at each density, and that sparsity never takes one away."""
    lead = f"relu, n={trained.size.features}"
    counts, best = trained.counts, trained.of_best(trained.counts)
    claims = []
    for row, density in enumerate(trained.densities):
        low, high = EXPECTED.get(density, (0, 0)) if trained.size is SMALL else (trained.size.hidden,) * 2
        if not high or (trained.size is LARGE and density < 1):
            continue
        says = f"{low}" if low == high else f"{low}–{high}"
        within = (low <= counts[row]) & (counts[row] <= high)
        name = f"{lead}, 1−S={density:g}: features"
        claims.append(counted(f"{name} (best)", says, best[row], low <= best[row] <= high))
        claims.append(fraction(f"{name}, share of seeds with {says}", "most", int(within.sum()), len(within), 0.5))
    listed = [row for row, density in enumerate(trained.densities) if density >= min(EXPECTED)]
    rise = int(np.diff(best[listed]).min())
    name = f"{lead}, 1−S from 1 to {min(EXPECTED):g}: smallest step in features to the next sparser (best)"
    claims.append(counted(name, "never falling: ≥ 0", rise, rise >= 0))
    return claims


def models_table(trained: Trained) -> pd.DataFrame:
    """A row a density and seed."""
    shape = trained.loss.shape
    rows = {
        "size": trained.size.name,
        "features_given": trained.size.features,
        "hidden": trained.size.hidden,
        "kind": trained.kind,
        "density": np.repeat(trained.densities, shape[1]),
        "seed": np.tile(np.arange(shape[1]), shape[0]),
        "features": trained.counts.ravel(),
        "frobenius": np.square(trained.weights).sum((-2, -1)).ravel(),
        "loss": trained.loss.ravel(),
        "loss_error": trained.loss_error.ravel(),
        "best": (np.arange(shape[1]) == trained.best[:, None]).ravel(),
    }
    return pd.DataFrame(rows)


def features_table(trained: Trained) -> pd.DataFrame:
    """A row a density and feature, of the best seeds."""
    weights, count = trained.of_best(trained.weights), trained.size.features
    cells = len(trained.densities)
    rows = {
        "size": trained.size.name,
        "kind": trained.kind,
        "density": np.repeat(trained.densities, count),
        "feature": np.tile(np.arange(count), cells),
        "importance": np.tile(trained.size.importances, cells),
        "norm": norms(weights).ravel(),
        "superposition": superposition(weights).ravel(),
        "bias": trained.of_best(trained.bias).ravel(),
    }
    return pd.DataFrame(rows)


def _figure(linear: Trained, relu: Trained) -> Figure:
    columns = [_column(linear, -1), *(_column(relu, row) for row in range(len(relu.densities)))]
    size = relu.size
    title = f"{size.features} features, {size.hidden} dimensions, importance {size.decay:g}ⁱ; best of {relu.loss.shape[1]} seeds"
    return represented_features(columns, title, REPRESENTED, SHARED)


def _column(trained: Trained, row: int) -> Represented:
    weights = trained.of_best(trained.weights)[row]
    count = int(trained.of_best(trained.counts)[row])
    title = f"{trained.kind}, 1−S = {trained.densities[row]:g}\n{count} features"
    bias = trained.of_best(trained.bias)[row]
    return Represented(title, weights.T @ weights, bias, norms(weights), superposition(weights))
