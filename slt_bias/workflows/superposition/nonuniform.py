"""One feature of five sparser or denser than the others: where the pentagon gives way to two digons.

Elhage et al. 2022, "Non-Uniform Superposition": n = 5, m = 2, Iᵢ = 1, density 1 − S = 0.05 but for feature 0, whose density is
0.1 … 10 times that. Each geometry is followed as a minimum of the exact loss from its own start, from one relative density to
the next (`newton.settle`), through the crossing and on, for as long as it is a minimum; and seeds are trained from random
starts on the exact loss, to see which geometry gradient descent finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slt_bias.plots.superposition.nonuniform import followed_arrows, loss_curves
from slt_bias.subjects.superposition import Model, components, norms, tegum_product
from slt_bias.subjects.superposition.alignment import align
from slt_bias.subjects.superposition.newton import Minima, settle
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

FEATURES, HIDDEN, DENSITY = 5, 2, 0.05
REPRESENTED = 0.5
ANGLES = np.pi / 2 + 2 * np.pi * np.arange(FEATURES) / FEATURES
PENTAGON, DIGONS, OTHER_DIGONS = "pentagon", "two digons, varied feature left out", "two digons, another left out"
STARTS = {
    PENTAGON: 1.13 * np.array([np.cos(ANGLES), np.sin(ANGLES)]),
    DIGONS: np.array([[0.0, 0, 0, 1, -1], [0, 1, -1, 0, 0]]),
    OTHER_DIGONS: np.array([[0.0, 0, 0, 1, -1], [1, 0, -1, 0, 0]]),
}
FROM = {PENTAGON: 1.0, DIGONS: 0.1, OTHER_DIGONS: 10.0}  # relative density at which each start is a good one
CROSSING = (0.2, 0.4)  # between which the best geometry changes; the paper says about 1/2.5
LEARNING_RATE = 0.02
ROOT_WITHIN = 1e-7  # of the logarithm of the crossing


@dataclass(frozen=True, eq=False)
class Branch:
    """A geometry followed over relative densities: arrays with a first axis of these, rows that were not reached NaN."""

    name: str
    relative: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    loss: np.ndarray
    curvature: np.ndarray  # smallest eigenvalue of the Hessian but for the rotation's 0

    @property
    def there(self) -> np.ndarray:
        """Where the geometry is a minimum, (relative densities,) of bool."""
        return np.isfinite(self.loss)


def run(setting: Setting) -> Outcome:
    """Follow, find the crossing, train.

    Tables: "curves", a row a curve and relative density: relative_density, curve, loss, curvature (smallest of the Hessian but
    for the rotation's 0), norm_0 … norm_4; NaN where the geometry is no minimum. "seeds", a row a run: relative_density, seed,
    loss, geometry, best. "shares": relative_density, geometry, runs, hits, fraction, low, high (95 %, Clopper & Pearson 1934).
    Figures: "arrows" and "losses".
    """
    relative = np.geomspace(0.1, 10, setting.pick(61, 41, 13))
    branches = {name: follow(name, relative) for name in STARTS}
    best = lowest(branches.values())
    crossing = crossings(branches[PENTAGON], branches[DIGONS])
    trained_at = np.geomspace(0.1, 10, setting.pick(17, 9, 3))
    seeds = train(setting, trained_at, setting.pick(50, 30, 6), setting.pick(2000, 1500, 300))
    shares = share_table(seeds)
    claims = curve_claims(relative, best, crossing) + seed_claims(seeds, setting.size == "smoke")
    shown = [int(np.abs(np.log(relative / value)).argmin()) for value in (0.1, 0.15, 0.22, 0.32, 0.46, 1, 3.2, 10)]
    arrows = [
        (name, align(np.nan_to_num(branches[name].weights[shown]), STARTS[name]), branches[name].loss[shown])
        for name in (PENTAGON, DIGONS)
    ]
    curves = pd.concat([curve_table(branch) for branch in branches.values()], ignore_index=True)
    figures = {
        "arrows": followed_arrows(relative[shown], arrows),
        "losses": loss_curves(curves, seeds, shares, crossing[0] if len(crossing) else None, 1 / 2.5),
    }
    ends = branches[PENTAGON].there
    last = relative[ends].min()
    notes = (
        f"The losses are exact, to a relative 1e-10; they cross at {' and '.join(f'{at:.6f} ± 0.000001' for at in crossing)}.",
        f"Followed downwards from 1, the pentagon is a minimum to a relative density of {last:.3g}"
        + ("." if ends.all() else f"; at {relative[~ends].max():.3g} it is none, and descent ends in two digons."),
        "Runs named two digons can have a dead output: W = 0 and b ≤ 0 for the feature left out, where the gradient is 0. "
        f"It costs the square of that feature's mean; the curves have the bias at the mean. Adam, rate {LEARNING_RATE:g}.",
    )
    return Outcome(tuple(claims), {"curves": curves, "seeds": seeds, "shares": shares}, figures, notes)


def densities(relative: float | np.ndarray) -> np.ndarray:
    """The densities of the five features, (…, 5), at relative densities (…) of feature 0."""
    found = np.full((*np.shape(relative), FEATURES), DENSITY)
    found[..., 0] *= relative
    return found


def follow(name: str, relative: np.ndarray) -> Branch:
    """A geometry from where its start is good, in both directions, until it is no minimum any more."""
    count = len(relative)
    weights, bias = np.full((count, HIDDEN, FEATURES), np.nan), np.full((count, FEATURES), np.nan)
    loss, curvature = np.full(count, np.nan), np.full(count, np.nan)
    middle = int(np.abs(np.log(relative / FROM[name])).argmin())
    begin = densities(relative[middle])
    first = settle(STARTS[name], np.where(norms(STARTS[name]) > 0, -0.05, begin / 2), begin)
    for places in (range(middle, -1, -1), range(middle, count)):
        found = first
        for k in places:
            found = settle(found.weights, found.bias, densities(relative[k]))
            if geometry(found.weights) != name:
                break
            weights[k], bias[k], loss[k] = found.weights, found.bias, float(found.loss)
            curvature[k] = steepness(found)
    return Branch(name, relative, weights, bias, loss, curvature)


def steepness(found: Minima) -> float:
    """The smallest eigenvalue of the Hessian, but for the one nearest to 0, which belongs to rotations of the plane."""
    return float(np.delete(found.curvatures, np.abs(found.curvatures).argmin()).min())


def geometry(weights: np.ndarray) -> str:
    """The name of a geometry, weights (2, 5).

    All five features with less than 90° from each to the next are a pentagon, however deformed; else the polytopes' names.
    """
    kept = norms(weights) > REPRESENTED
    if kept.all():
        turns = np.sort(np.arctan2(weights[1], weights[0]))
        if np.diff(np.append(turns, turns[0] + 2 * np.pi)).max() < np.pi / 2 - 1e-6:
            return PENTAGON
    names = [part.name for part in components(weights, REPRESENTED)]
    if names == ["digon", "digon"]:
        return OTHER_DIGONS if kept[0] else DIGONS
    return tegum_product(names)


def lowest(branches: Iterable[Branch]) -> np.ndarray:
    """The name of the branch of lowest loss at each relative density."""
    parts = list(branches)
    losses = np.array([np.where(part.there, part.loss, np.inf) for part in parts])
    return np.array([part.name for part in parts])[losses.argmin(0)]


def crossings(first: Branch, second: Branch) -> list[float]:
    """The relative densities at which two branches have the same loss, to a relative 1e-7."""
    from scipy.optimize import brentq

    found = []
    difference = first.loss - second.loss
    for k in np.flatnonzero(difference[:-1] * difference[1:] < 0):

        def gap(logarithm: float, k: Any = k) -> float:
            """The difference of the losses, each followed from the nearest relative density of the grid."""
            wanted = densities(np.exp(logarithm))
            ends = [settle(part.weights[k], part.bias[k], wanted).loss for part in (first, second)]
            return float(ends[0] - ends[1])

        found.append(float(np.exp(brentq(gap, *np.log(first.relative[k : k + 2]), xtol=ROOT_WITHIN))))
    return found


def train(setting: Setting, relative: np.ndarray, seeds: int, steps: int) -> pd.DataFrame:
    """Runs from random starts: relative_density, seed, loss, geometry, best (the lowest loss at this relative density)."""
    model = Model(FEATURES, HIDDEN, density=densities(relative))
    fitted = model.fit(
        range(setting.seed, setting.seed + seeds),
        steps=steps,
        batch=None,
        learning_rate=LEARNING_RATE,
        workers=setting.workers,
        progress=setting.progress,
    )
    return pd.DataFrame(
        {
            "relative_density": np.repeat(relative, seeds),
            "seed": np.tile(fitted.seeds, len(relative)),
            "loss": fitted.loss.ravel(),
            "geometry": [geometry(each) for each in fitted.weights.reshape(-1, HIDDEN, FEATURES)],
            "best": (np.arange(seeds) == fitted.best[:, None]).ravel(),
        }
    )


def curve_claims(relative: np.ndarray, best: np.ndarray, crossing: list[float]) -> list[Claim]:
    """One change of the geometry of lowest loss, and where."""
    pentagon = best == PENTAGON
    changes = int((pentagon[1:] != pentagon[:-1]).sum())
    named = "followed curves: changes of the best geometry, two digons ↔ pentagon"
    claims = [counted(named, "1", changes, changes == 1 and bool(pentagon[-1]))]
    if len(crossing) == 1:
        low, high = CROSSING
        said = f"{low:g} … {high:g}; paper about 0.4"
        claims.append(counted("relative density of the crossing", said, crossing[0], low <= crossing[0] <= high))
    return claims


def seed_claims(seeds: pd.DataFrame, rough: bool) -> list[Claim]:
    """The best of the random seeds, and the fraction of them that ends in the geometry of the best."""
    best = seeds[seeds["best"]].sort_values("relative_density")
    pentagon = (best["geometry"] == PENTAGON).to_numpy()
    changes = int((pentagon[1:] != pentagon[:-1]).sum())
    claims = [] if rough else [counted("best of the seeds: changes of the geometry", "1", changes, changes == 1)]
    for value, text in ((0.1, "two digons at relative density 0.1"), (1.0, "a pentagon at 1"), (10.0, "a pentagon at 10")):
        part = seeds[np.isclose(seeds["relative_density"], value)]
        hits = part["geometry"] == (DIGONS if value < 1 else PENTAGON)
        claims.append(fraction(f"seeds that end in {text}", "not stated", int(hits.sum()), len(hits)))
    return claims


def share_table(seeds: pd.DataFrame) -> pd.DataFrame:
    """The fraction of the runs in each geometry at each relative density, with its interval."""
    rows = []
    for value, part in seeds.groupby("relative_density"):
        for name in seeds["geometry"].unique():
            share = fraction(str(name), "", int((part["geometry"] == name).sum()), len(part))
            hits = int((part["geometry"] == name).sum())
            rows.append((value, name, len(part), hits, share.measured, share.low, share.high))
    return pd.DataFrame(rows, columns=["relative_density", "geometry", "runs", "hits", "fraction", "low", "high"])


def curve_table(branch: Branch) -> pd.DataFrame:
    """A row a relative density."""
    table = pd.DataFrame(
        {"relative_density": branch.relative, "curve": branch.name, "loss": branch.loss, "curvature": branch.curvature}
    )
    lengths = np.where(branch.there[:, None], norms(np.nan_to_num(branch.weights)), np.nan)
    return table.assign(**{f"norm_{i}": lengths[:, i] for i in range(FEATURES)})
