"""Superposition makes a model vulnerable to small perturbations (Elhage et al. 2022, "Relationship to Adversarial Robustness").

n = 100 equal features in m = 20 dimensions, from dense to sparse. Without superposition output i hears input i alone; with it the
row (WᵀW)ᵢ has many small entries that an attack can use. ε is a tenth of the mean norm of the inputs; vulnerability is the rise
of the loss over that of a model without superposition, (L' − L)/(L'₀ − L₀); features a dimension are ‖W‖_F²/m = 1/D*.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from slt_bias.plots.superposition.adversarial import vulnerability_curves
from slt_bias.subjects.superposition import IndependentFeatures, Model, dimensions_per_feature
from slt_bias.subjects.superposition.vulnerability import Method, vulnerability
from slt_bias.workflows.claims import Claim, counted
from slt_bias.workflows.superposition.experiment import Outcome, Setting

RELATIVE_SIZE = 0.1
GROWN = 0.97  # features a dimension count as grown from the first density with this share of their largest value
ATTACKS = {"rows": "best row of WᵀW", "ascent": "projected gradient"}


def run(setting: Setting) -> Outcome:
    """Train from dense to sparse, attack the best seed of each density.

    Table "vulnerability": a row a density: loss, features_per_dimension, attack_size = ε, and for the attack along the rows of
    WᵀW and the one by projected gradient: the rise of the loss, vulnerability and its standard error. Figure: "vulnerability".
    """
    features, hidden = setting.pick((100, 20), (100, 20), (30, 6))
    inverse = np.geomspace(1, setting.pick(100, 100, 20), setting.pick(17, 11, 3))
    seeds, steps = setting.pick(3, 2, 1), setting.pick(15000, 8000, 3000)
    model = Model(features, hidden, density=1 / inverse[:, None])
    fitted = model.fit(
        range(setting.seed, setting.seed + seeds), steps=steps, batch=256, workers=setting.workers, progress=setting.progress
    )
    rows = []
    for value, weights, bias, loss in zip(inverse, fitted.best_weights, fitted.best_bias, fitted.loss.min(-1), strict=True):
        law = IndependentFeatures(features, float(1 / value))
        row = {
            "inverse_density": float(value),
            "loss": float(loss),
            "features_per_dimension": float(1 / dimensions_per_feature(weights)),
        }
        plans: tuple[tuple[Method, int], ...] = (
            ("rows", setting.pick(8192, 4096, 1024)),
            ("ascent", setting.pick(2048, 512, 128)),
        )
        for method, examples in plans:
            found = vulnerability(weights, bias, law, None, method, RELATIVE_SIZE, examples, setting.seed)
            row["attack_size"] = found.size
            row[f"{method}_rise"] = found.attacked - found.clean
            row[f"{method}_vulnerability"] = found.relative
            row[f"{method}_error"] = found.relative_error
        rows.append(row)
    table = pd.DataFrame(rows)
    title = f"{features} equal features in {hidden} dimensions; attacks of a tenth of the mean norm of the inputs"
    notes = (
        "An attack is chosen anew for each example; both kinds are lower bounds of the worst case.",
        "Once all features are represented, features a dimension stand still, and rarer inputs leave less to attack: an input "
        "without any feature on does not reach past the negative biases.",
    )
    figure = vulnerability_curves(table, ATTACKS, title)
    return Outcome(tuple(claims(table)), {"vulnerability": table}, {"vulnerability": figure}, notes)


def claims(table: pd.DataFrame) -> list[Claim]:
    """The rise of the vulnerability, and how closely it follows the features a dimension: while these grow, and altogether."""
    found = []
    per_dimension = table.features_per_dimension.to_numpy()
    growing = np.arange(len(table)) <= np.flatnonzero(per_dimension > GROWN * per_dimension.max())[0]
    until = f"{table.inverse_density[growing].max():.3g}"
    for method, name in ATTACKS.items():
        values = table[f"{method}_vulnerability"].to_numpy()
        rise = float(values.max() / values[0])
        found.append(counted(f"{name}: largest vulnerability over that at density 1", "rises by > 3×", rise, rise > 3))
        for places, where in ((growing, f"up to 1/(1−S)={until}"), (np.ones(len(table), bool), "all densities")):
            rank = rank_correlation(values[places], per_dimension[places])
            text = f"{name}: rank correlation with features a dimension, {where}"
            found.append(counted(text, "tracks: ≥ 0.9", rank, rank >= 0.9))
    return found


def rank_correlation(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """Spearman's ρ of two series."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)
