"""Features that come together: two and three pairs of correlated features in two dimensions, over densities.

Source: Elhage et al. 2022, "Correlated and Anticorrelated Features": models lay features that are on together orthogonal, and
where there is no room for that side by side; sometimes a set collapses to one direction, a failure of the optimisation.
The paper gives no density for these models; sets are sparse here, of the densities in the tables.

How a set lies is told by the cosines between its members' directions; `arrangement` has the words and their bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from slt_bias.plots.superposition.sets import best_first, shares_of_seeds
from slt_bias.subjects.superposition import CorrelatedSets, Law, Model, norms
from slt_bias.subjects.superposition.alignment import align
from slt_bias.subjects.superposition.laws import set_of_each
from slt_bias.subjects.superposition.measures import unit_columns
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

Sets = tuple[tuple[int, ...], ...]
TWO_PAIRS: Sets = ((0, 1), (2, 3))
THREE_PAIRS: Sets = ((0, 1), (2, 3), (4, 5))
DENSITY = 0.05  # of the figures and the claims
REPRESENTED = 0.25  # norm above which a feature has a direction; a collapsed feature has 1/√2
ORTHOGONAL, COLLAPSED = 0.15, 0.95  # bounds of cosines
LEARNING_RATE = 0.01
SHOWN = 16  # panels
LOST = "feature lost"


@dataclass(frozen=True, eq=False)
class Trained:
    """Seeds of one problem at several densities: weights (densities, seeds, hidden, features), loss and error beside."""

    problem: str
    sets: Sets
    densities: tuple[float, ...]
    seeds: tuple[int, ...]
    weights: np.ndarray
    loss: np.ndarray
    loss_error: np.ndarray

    def order(self, density: float) -> np.ndarray:
        """The seeds' places at a density, by ascending loss."""
        return np.argsort(self.loss[self.densities.index(density)], kind="stable")


def run(setting: Setting) -> Outcome:
    """Tables `seeds` (problem, density, seed, rank by loss, loss, loss_error, represented features, arrangement, cosine in each
    set) and `shares` (problem, density, arrangement, seeds, hits, fraction, low, high, best: whether the best seed has it).
    """
    densities = setting.pick((0.01, 0.02, 0.05, 0.1, 0.2, 0.4), (0.02, 0.05, 0.2), (DENSITY,))
    seeds = setting.pick(200, 100, 20)
    parts = [
        train_sets(setting, name, CorrelatedSets, sets, densities, seeds)
        for name, sets in (("two pairs", TWO_PAIRS), ("three pairs", THREE_PAIRS))
    ]
    table = pd.concat([seed_table(part) for part in parts], ignore_index=True)
    two, three = (of_seeds(table, part.problem, DENSITY) for part in parts)
    best = three[three["rank"] == 1].iloc[0]
    first = two[two["rank"] == 1].iloc[0]
    claims: list[Claim] = [
        counted(
            "two pairs, best seed: larger |cosine| in a pair",
            "orthogonal, 0",
            first[["cosine_1", "cosine_2"]].abs().max(),
            first["arrangement"] == "orthogonal",
        ),
        share("two pairs: seeds with both pairs orthogonal", "91 %; at least 85 %", two, "orthogonal", 0.85),
        counted(
            "three pairs, best seed: mean cosine in a pair",
            "side by side, .45",
            best[["cosine_1", "cosine_2", "cosine_3"]].mean(),
            best["arrangement"] == "side by side",
        ),
        share("three pairs: seeds with all pairs side by side", "no number", three, "side by side"),
        share("three pairs: seeds with a collapsed pair", "sometimes", three, "collapsed"),
    ]
    names = [f"pair {number + 1}" for number in range(3)]
    figures = {part.problem.replace(" ", "_"): panels(part, table, DENSITY, names) for part in parts}
    shares = share_table(table)
    if len(densities) > 1:
        figures["shares"] = shares_of_seeds(shares, ["two pairs", "three pairs"])
    return Outcome(tuple(claims), {"seeds": table, "shares": shares}, figures, (note(setting),))


def train_sets(
    setting: Setting, problem: str, law: Callable[[Sets, float], Law], sets: Sets, densities: tuple[float, ...], seeds: int
) -> Trained:
    """Train two hidden dimensions on sets of features at every density; losses from enough examples to order the seeds."""
    features = sum(map(len, sets))
    model = Model(features, 2, law=[law(sets, density) for density in densities])
    fitted = model.fit(
        range(setting.seed, setting.seed + seeds),
        steps=setting.pick(5000, 4000, 2000),
        batch=setting.pick(1024, 1024, 512),
        learning_rate=LEARNING_RATE,
        workers=setting.workers,
        progress=setting.progress,
    )
    loss, error = model.loss(
        fitted.weights, fitted.bias, examples=setting.pick(1 << 19, 1 << 18, 1 << 17), seed=setting.seed, workers=setting.workers
    )
    return Trained(problem, sets, densities, fitted.seeds, fitted.weights, loss, error)


def cosines_within(weights: np.ndarray, sets: Sets) -> np.ndarray:
    """The cosine of each pair, (…, sets); of a larger set the one of largest absolute value; NaN where a member has no direction.

    A feature of norm at most REPRESENTED has none.
    """
    units = unit_columns(weights)
    cosines = np.swapaxes(units, -1, -2) @ units
    found = []
    for members in sets:
        first, second = np.triu_indices(len(members), 1)
        inner = cosines[..., np.array(members)[first], np.array(members)[second]]
        largest = np.take_along_axis(inner, np.abs(inner).argmax(-1)[..., None], -1)[..., 0]
        found.append(np.where((norms(weights)[..., list(members)] > REPRESENTED).all(-1), largest, np.nan))
    return np.stack(found, -1)


def side_by_side(weights: np.ndarray, sets: Sets) -> np.ndarray:
    """Whether the members of every set follow one another around the circle, (…) bool; weights (…, 2, features)."""
    angles = np.arctan2(weights[..., 1, :], weights[..., 0, :])
    around = set_of_each(sets)[np.argsort(angles, -1)]
    # going once around, each set is entered once: as many changes of set as there are sets
    changes = (around != np.roll(around, 1, -1)).sum(-1)
    return np.asarray(changes == (len(sets) if len(sets) > 1 else 0))


def arrangement(cosines: Sequence[float], beside: bool) -> str:
    """The word for the cosines within the sets; NaN stands for a set of which a feature has no direction.

    "collapsed" where one is above .95; else "feature lost" where one is NaN; else "orthogonal" where all are within .15 of 0,
    "opposite" where all are below −.95, "side by side" where the members of every set follow one another around the circle
    (`beside`), "opposite sides" where all are below 0, and "other".
    """
    values = np.asarray(cosines, np.float64)
    if (values > COLLAPSED).any():
        return "collapsed"
    if np.isnan(values).any():
        return LOST
    if (np.abs(values) < ORTHOGONAL).all():
        return "orthogonal"
    if (values < -COLLAPSED).all():
        return "opposite"
    if beside:
        return "side by side"
    return "opposite sides" if (values < 0).all() else "other"


def seed_table(trained: Trained) -> pd.DataFrame:
    """A row a density and seed, as `run` describes them."""
    cosines, beside = cosines_within(trained.weights, trained.sets), side_by_side(trained.weights, trained.sets)
    represented = (norms(trained.weights) > REPRESENTED).sum(-1)
    frames = []
    for k, density in enumerate(trained.densities):
        rank = np.empty(len(trained.seeds), np.int64)
        rank[trained.order(density)] = np.arange(1, len(trained.seeds) + 1)
        frame = pd.DataFrame(
            {
                "problem": trained.problem,
                "density": density,
                "seed": trained.seeds,
                "rank": rank,
                "loss": trained.loss[k],
                "loss_error": trained.loss_error[k],
                "represented": represented[k],
                "arrangement": [arrangement(row, bool(by)) for row, by in zip(cosines[k], beside[k], strict=True)],
            }
        )
        frames.append(frame.assign(**{f"cosine_{j + 1}": cosines[k, :, j] for j in range(len(trained.sets))}))
    return pd.concat(frames, ignore_index=True)


def share_table(table: pd.DataFrame) -> pd.DataFrame:
    """How many seeds of each problem and density have each arrangement, 95 % intervals (Clopper & Pearson 1934)."""
    rows = []
    for (problem, density), part in table.groupby(["problem", "density"], sort=False):
        best = part["arrangement"].iloc[part["loss"].argmin()]
        for name in table.loc[table["problem"] == problem, "arrangement"].unique():
            hits = int((part["arrangement"] == name).sum())
            told = fraction(name, "", hits, len(part))
            rows.append(
                {
                    "problem": problem,
                    "density": density,
                    "arrangement": name,
                    "seeds": len(part),
                    "hits": hits,
                    "fraction": told.measured,
                    "low": told.low,
                    "high": told.high,
                    "best": name == best,
                }
            )
    return pd.DataFrame(rows)


def of_seeds(table: pd.DataFrame, problem: str, density: float) -> pd.DataFrame:
    """The rows of one problem and density."""
    return table[(table["problem"] == problem) & (table["density"] == density)]


def share(name: str, claimed: str, rows: pd.DataFrame, word: str, at_least: float = 0.0) -> Claim:
    """The claim about the fraction of these seeds that have an arrangement."""
    return fraction(name, claimed, int((rows["arrangement"] == word).sum()), len(rows), at_least)


def panels(trained: Trained, table: pd.DataFrame, density: float, names: Sequence[str]) -> Figure:
    """The figure of SHOWN seeds from the best to the worst, evenly by rank, turned and relabelled to look like the best."""
    order = trained.order(density)
    ranks = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))
    weights = trained.weights[trained.densities.index(density)][order]
    rows = of_seeds(table, trained.problem, density).sort_values("rank")
    words = [f"rank {rank + 1} of {len(order)}\n{rows['arrangement'].iloc[rank]}" for rank in ranks]
    aligned = align(weights[ranks], align(weights[0]), trained.sets)
    features = weights.shape[-1]
    title = f"{trained.problem}: {features} features in 2 dimensions, density of a set {density:g}; seeds by ascending loss"
    return best_first(aligned, set_of_each(trained.sets), words, names[: len(trained.sets)], title)


def note(setting: Setting) -> str:
    """What is common to the experiments on sets."""
    return (
        "Ranked by the loss on the same fresh examples for all seeds of a density "
        f"({setting.pick(1 << 19, 1 << 18, 1 << 17):,}); panels are turned, mirrored and relabelled within and among the sets."
    )
