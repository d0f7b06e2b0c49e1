"""Locally orthogonal bases: two sets of ten correlated features in ten dimensions.

Source: Elhage et al. 2022, "Correlated and Anticorrelated Features": each set, whose features are on together, gets an orthogonal
basis of its own, and the two bases lie in superposition. As rows and columns of an orthogonal 10 × 10 matrix have norm 1, the
root mean square of the cosines across two full bases is 1/√10 = .316, however they lie to each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from slt_bias.plots.superposition.local_bases import bases, ratios
from slt_bias.subjects.superposition import CorrelatedSets, Model, norms
from slt_bias.subjects.superposition.alignment import rotation
from slt_bias.subjects.superposition.laws import set_of_each
from slt_bias.subjects.superposition.measures import unit_columns
from slt_bias.workflows.claims import counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

SIZE = 10  # features of a set, and dimensions
SETS = (tuple(range(SIZE)), tuple(range(SIZE, 2 * SIZE)))
DENSITY = 0.05  # of the figure and the claims
BOUND = 1 / 3
REPRESENTED = 0.5


def run(setting: Setting) -> Outcome:
    """Tables `seeds` (density, seed, rank by loss, loss, loss_error, represented features, rms_within, rms_across, ratio) and
    `cosines` of the best seed at DENSITY (first and second feature as ordered in the figure, set of each, cosine).
    """
    densities = setting.pick((0.01, 0.02, 0.05, 0.1, 0.2), (0.02, 0.05, 0.1), (DENSITY,))
    seeds = setting.pick(20, 8, 3)
    model = Model(2 * SIZE, SIZE, law=[CorrelatedSets(SETS, density) for density in densities])
    fitted = model.fit(
        range(setting.seed, setting.seed + seeds),
        steps=setting.pick(6000, 3000, 1500),
        batch=setting.pick(1024, 1024, 256),
        learning_rate=setting.pick(0.003, 0.01, 0.01),
        workers=setting.workers,
        progress=setting.progress,
    )
    within, across = cosine_spread(fitted.weights)
    rank = fitted.loss.argsort(-1).argsort(-1) + 1
    table = pd.DataFrame(
        {
            "density": np.repeat(densities, seeds),
            "seed": np.tile(fitted.seeds, len(densities)),
            "rank": rank.ravel(),
            "loss": fitted.loss.ravel(),
            "loss_error": fitted.loss_error.ravel(),
            "represented": (norms(fitted.weights) > REPRESENTED).sum(-1).ravel(),
            "rms_within": within.ravel(),
            "rms_across": across.ravel(),
            "ratio": (within / across).ravel(),
        }
    )
    rows = table[table["density"] == DENSITY]
    best = rows[rows["rank"] == 1].iloc[0]
    ratio, inner, outer, count = (best[name] for name in ("ratio", "rms_within", "rms_across", "represented"))
    claims = (
        counted("best seed: rms cosine within sets over across", "at most 1/3", ratio, ratio <= BOUND),
        counted("best seed: rms cosine within sets", "0", inner, inner <= 0.1),
        counted("best seed: rms cosine across sets", "1/√10 = .316, two bases", outer, abs(outer - SIZE**-0.5) < 0.01),
        counted("best seed: represented features", "all 20", count, count == 2 * SIZE),
        fraction("seeds with rms within at most 1/3 of across", "no number", int((rows["ratio"] <= BOUND).sum()), len(rows)),
    )
    weights = in_first_basis(fitted.best_weights[densities.index(DENSITY)])
    title = f"two sets of {SIZE} correlated features in {SIZE} dimensions, density of a set {DENSITY:g}, best of {seeds} seeds"
    figures = {"bases": bases(weights, SIZE, title)}
    if len(densities) > 1:
        figures["ratios"] = ratios(table)
    return Outcome(claims, {"seeds": table, "cosines": cosine_table(weights)}, figures, NOTES)


NOTES = (
    "The figure turns W so that the first set comes closest to the axes, and orders the second set by the feature of the first "
    "to which each lies most nearly opposite; the loss knows neither.",
    "Ranked by the loss on the same 65,536 fresh examples for all seeds of a density.",
)


def cosine_spread(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square of the cosines between features of one set, and across sets, each (…); weights (…, hidden, features)."""
    units, home = unit_columns(weights), set_of_each(SETS)
    cosines = np.swapaxes(units, -1, -2) @ units
    first, second = np.triu_indices(cosines.shape[-1], 1)
    values, same = np.square(cosines[..., first, second]), home[first] == home[second]
    return np.sqrt(values[..., same].mean(-1)), np.sqrt(values[..., ~same].mean(-1))


def in_first_basis(weights: np.ndarray) -> np.ndarray:
    """The weights turned so that the first set comes closest to the axes, the second set reordered to match it; same shape."""
    from scipy.optimize import linear_sum_assignment

    turned = rotation(weights[:, :SIZE], np.eye(SIZE)) @ weights
    units = unit_columns(turned)
    _, order = linear_sum_assignment(units[:, :SIZE].T @ units[:, SIZE:])  # the sum of cosines least: as opposite as can be
    return np.hstack([turned[:, :SIZE], turned[:, SIZE + order]])


def cosine_table(weights: np.ndarray) -> pd.DataFrame:
    """A row a pair of features: first, second, first_set, second_set, cosine."""
    units, home = unit_columns(weights), set_of_each(SETS)
    first, second = np.triu_indices(weights.shape[1], 1)
    cosines = (units.T @ units)[first, second]
    columns = {"first": first, "second": second, "first_set": home[first], "second_set": home[second], "cosine": cosines}
    return pd.DataFrame(columns)
