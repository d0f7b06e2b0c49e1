"""Learning dynamics: features jump between dimensionalities, and two correlated sets unfold into a triangular antiprism.

Source: Elhage et al. 2022, "Superposition and Learning Dynamics".
* `levels`: many equal features; the dimensionalities Dᵢ over training settle on the fractions of polytopes, "energy levels", and
  the loss falls where features jump from one to another.
* `antiprism`: two sets of three correlated features in three dimensions. From a small start (standard deviation .01, so that the
  stages stand apart) all six directions are one, then each set has one, opposite to the other's, then the sets unfold one after
  the other. In the end the two sets are opposite faces of an octahedron: each feature opposite to one of the other set, and
  orthogonal to those of its own. A standard start ends there too, without the stages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from slt_bias import streams
from slt_bias.plots.superposition.dynamics import Stage, levels_over_training, unfolding
from slt_bias.subjects.superposition import (
    CorrelatedSets,
    Model,
    components,
    feature_dimensionality,
    norms,
    tegum_product,
)
from slt_bias.subjects.superposition.alignment import closest_order, rotation
from slt_bias.subjects.superposition.laws import set_of_each
from slt_bias.subjects.superposition.measures import unit_columns
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

LEVELS = {"0": 0.0, "3/8": 3 / 8, "2/5": 2 / 5, "1/2": 1 / 2, "2/3": 2 / 3, "3/4": 3 / 4, "1": 1.0}
NEAR = 0.02  # of a level
LEVEL_DENSITY = 0.25

TRIPLES = ((0, 1, 2), (3, 4, 5))
DENSITY = 0.05
SMALL = 0.01  # standard deviation of the small start
TOLERANCE = 0.2  # of cosines, for the names of geometries: the learning rate stays, and so does some noise
SAME = 0.9  # features whose cosine is above this share a direction
LEARNED = 0.2  # norm above which a feature has a direction
SHORTEST = 0.015  # of the training: a stage lasts at least this long


@dataclass(frozen=True, eq=False)
class Path:
    """A training: steps (records,), weights (records, seeds, hidden, features), loss (records, seeds), in order of `seeds`."""

    steps: np.ndarray
    seeds: tuple[int, ...]
    weights: np.ndarray
    loss: np.ndarray
    end: np.ndarray  # loss at the end on more examples, (seeds,)

    @property
    def best(self) -> int:
        """The place of the seed of lowest loss at the end."""
        return int(self.end.argmin())


def run(setting: Setting) -> Outcome:
    """Tables
    `levels`: seed, loss, on_level (share of the features), share_of_fall, and features_0 … features_1, how many at each level;
    `levels_path` of the best seed: step, loss, movement Σ|ΔDᵢ| since the record before;
    `antiprism`: start, seed, loss, geometry, opposite (pairs across the sets), within (largest |cosine| within a set);
    `stages` of the best seed from the small start: from_step, to_step, directions, loss_from, loss_to.
    """
    many = train_levels(setting)
    small, standard = (train_antiprism(setting, start) for start in ("small", "standard"))
    levels, path = level_tables(many)
    ends = pd.concat([end_table(part, name) for part, name in ((small, "small"), (standard, "standard"))], ignore_index=True)
    found = stages(small.steps, small.weights[:, small.best], small.loss[:, small.best])
    found_table = pd.DataFrame([vars(stage) for stage in found])
    claims = [*(level_claims(levels) if setting.size != "smoke" else []), *antiprism_claims(ends, found)]
    best = many.weights[:, many.best]
    found_levels = feature_dimensionality(best)
    figures = {
        "levels": levels_over_training(
            many.steps, found_levels, many.loss[:, many.best], path["movement"].to_numpy(), at_level(found_levels), LEVELS
        ),
        "antiprism": unfolding(
            small.steps, upright_path(small.weights[:, small.best]), set_of_each(TRIPLES), small.loss[:, small.best], found
        ),
    }
    hidden, features = best.shape[-2:]
    notes = (
        f"Levels: {features} features in {hidden} dimensions, 1 − S = {LEVEL_DENSITY:g}, constant learning rate. The late fall "
        "of the loss: its last tenth; the busiest tenth: of the windows from then on, evenly spaced in ln(step), those in which "
        "the Dᵢ move most.",
        f"Antiprism: density of a set {DENSITY:g}. Two orthogonal triples, each opposite to the other, are an octahedron; "
        f"geometries are named with a tolerance of {TOLERANCE:g} in the cosines.",
    )
    tables = {"levels": levels, "levels_path": path, "antiprism": ends, "stages": found_table}
    return Outcome(tuple(claims), tables, figures, notes)


def train_levels(setting: Setting) -> Path:
    """Many equal features, records evenly in ln(step)."""
    features, hidden = setting.pick((200, 20), (200, 20), (30, 6))
    steps = setting.pick(10_000, 4_000, 400)
    record = np.unique(np.r_[0, np.geomspace(10, steps, setting.pick(300, 200, 40)).round().astype(int)])
    fitted = Model(features, hidden, density=LEVEL_DENSITY).fit(
        range(setting.seed, setting.seed + setting.pick(4, 2, 1)),
        steps=steps,
        batch=setting.pick(1024, 512, 256),
        learning_rate=setting.pick(0.001, 0.002, 0.003),
        decay="constant",
        record=record.tolist(),
        workers=setting.workers,
        progress=setting.progress,
    )
    return Path(record, fitted.seeds, fitted.path_weights, fitted.path_loss, fitted.loss)


def train_antiprism(setting: Setting, start: str) -> Path:
    """Two sets of three features in three dimensions; from the "small" start with records evenly in the step, from the "standard"
    one with the first and last alone."""
    steps, every = setting.pick((8000, 20), (8000, 20), (2400, 30))
    seeds = range(setting.seed, setting.seed + setting.pick(100, 40, 8))
    model = Model(6, 3, law=CorrelatedSets(TRIPLES, DENSITY))
    normals = [streams.normals(seed, ["workflows", "superposition", "dynamics"], 0, (3, 6)) for seed in seeds]
    record = range(0, steps + 1, every if start == "small" else steps)
    fitted = model.fit(
        seeds,
        steps=steps,
        batch=setting.pick(1024, 1024, 512),
        learning_rate=0.002,
        decay="constant",
        start=(SMALL * np.array(normals), np.zeros(6)) if start == "small" else None,
        record=record,
        workers=setting.workers,
        progress=setting.progress,
    )
    return Path(np.array(record), fitted.seeds, fitted.path_weights, fitted.path_loss, fitted.loss)


def level_tables(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `levels` and `levels_path`."""
    dimensionality = feature_dimensionality(path.weights)
    movement = np.abs(np.diff(dimensionality, axis=0)).sum(-1)
    rows = []
    for k, seed in enumerate(path.seeds):
        level = at_level(dimensionality[:, k])
        at = np.bincount(level[level >= 0], minlength=len(LEVELS))
        row = {"seed": seed, "loss": path.end[k], "on_level": at.sum() / len(level)}
        row |= {"share_of_fall": share_of_fall(path.loss[:, k], movement[:, k])}
        rows.append(row | {f"features_{name}": count for name, count in zip(LEVELS, at, strict=True)})
    moved = np.r_[np.nan, movement[:, path.best]]
    return pd.DataFrame(rows), pd.DataFrame({"step": path.steps, "loss": path.loss[:, path.best], "movement": moved})


def at_level(dimensionality: np.ndarray) -> np.ndarray:
    """The number of the level within NEAR of which each feature ends, −1 for none: (records, features) → (features,).

    The end is the mean of the last tenth of the records: single ones carry the noise of a constant learning rate.
    """
    end = dimensionality[-max(1, len(dimensionality) // 10) :].mean(0)
    gap = np.abs(end[:, None] - np.array(list(LEVELS.values())))
    return np.where(gap.min(1) < NEAR, gap.argmin(1), -1)


def share_of_fall(loss: np.ndarray, movement: np.ndarray) -> float:
    """Of the fall of the loss after its first 90 %, the share in the tenth of the windows of largest movement.

    loss : (records,); movement : (records − 1,). Where movement had nothing to do with it, a tenth.
    """
    start = int(np.argmax(loss <= loss[-1] + 0.1 * (loss[0] - loss[-1])))
    fall, moved = -np.diff(loss)[start:], movement[start:]
    if not len(fall) or fall.sum() <= 0:
        return float("nan")
    busiest = np.argsort(-moved, kind="stable")[: max(1, len(fall) // 10)]
    return float(fall[busiest].sum() / fall.sum())


def level_claims(levels: pd.DataFrame) -> list[Claim]:
    """What is claimed of the levels."""
    best = levels.iloc[int(levels["loss"].argmin())]
    sits, jumps = best["on_level"], best["share_of_fall"]
    sitting, jumping = int((levels["on_level"] >= 0.9).sum()), int((levels["share_of_fall"] >= 0.2).sum())
    return [
        counted("levels, best seed: share of features that end on a level", "features sit on levels: ≥ .9", sits, sits >= 0.9),
        fraction("levels: seeds with at least .9 of the features on a level", "no number", sitting, len(levels)),
        counted("levels, best seed: share of the late fall of the loss in the busiest tenth", "jumps: ≥ .2", jumps, jumps >= 0.2),
        fraction("levels: seeds with at least .2 of the late fall in the busiest tenth", "no number", jumping, len(levels)),
    ]


def end_table(path: Path, start: str) -> pd.DataFrame:
    """The rows of the table `antiprism` for one start."""
    units = unit_columns(path.weights[-1])
    cosines = np.swapaxes(units, -1, -2) @ units
    opposite = (cosines[:, :3, 3:].min(-1) < -0.95).sum(-1)
    first, second = np.array([0, 0, 1, 3, 3, 4]), np.array([1, 2, 2, 4, 5, 5])
    return pd.DataFrame(
        {
            "start": start,
            "seed": path.seeds,
            "loss": path.end,
            "geometry": [tegum_product(part.name for part in components(each, tolerance=TOLERANCE)) for each in path.weights[-1]],
            "opposite": opposite,
            "within": np.abs(cosines[:, first, second]).max(-1),
        }
    )


def directions(weights: np.ndarray) -> int:
    """How many directions the features of norm above LEARNED have, those of cosine above SAME as one; (hidden, features)."""
    from scipy.sparse.csgraph import connected_components as label

    kept = norms(weights) > LEARNED
    if not kept.any():
        return 0
    units = unit_columns(weights)[:, kept]
    return int(label(units.T @ units > SAME, directed=False)[0])


def stages(steps: np.ndarray, weights: np.ndarray, loss: np.ndarray) -> list[Stage]:
    """The stretches of training with one number of directions that last, in order: weights (records, hidden, features)."""
    counts = np.array([directions(each) for each in weights])
    edges = np.flatnonzero(np.diff(counts)) + 1
    found = []
    for a, b in zip([0, *edges], [*edges, len(counts)], strict=True):
        if b - a >= SHORTEST * len(counts):
            found.append(Stage(int(steps[a]), int(steps[b - 1]), int(counts[a]), float(loss[a]), float(loss[b - 1])))
    return found


def upright_path(weights: np.ndarray) -> np.ndarray:
    """The path (records, 3, 6), turned and relabelled as a whole so that it ends as an antiprism that stands on one set."""
    around = 2 * np.pi * np.arange(3) / 3
    top = np.array([np.sqrt(2 / 3) * np.cos(around), np.sqrt(2 / 3) * np.sin(around), np.full(3, np.sqrt(1 / 3))])
    upright = np.hstack([top, -top])
    order = closest_order(weights[-1], upright, TRIPLES)
    return rotation(weights[-1][:, order], upright) @ weights[:, :, order]


def antiprism_claims(ends: pd.DataFrame, found: list[Stage]) -> list[Claim]:
    """What is claimed of the antiprism."""
    small = ends[ends["start"] == "small"]
    best = small.iloc[int(small["loss"].argmin())]
    name = "antiprism, best seed: opposite pairs across the sets"
    claims = [
        counted(name, "3, an octahedron", best["opposite"], best["geometry"] == "octahedron"),
        counted("antiprism, best seed: largest |cosine| within a set", "orthogonal, 0", best["within"], best["within"] < 0.15),
        counted("antiprism, best seed: stages of training", "several: at least 3", len(found), len(found) >= 3),
    ]
    for start, rows in ends.groupby("start", sort=False):
        hits = int((rows["geometry"] == "octahedron").sum())
        claims.append(fraction(f"antiprism, {start} start: seeds that end in an octahedron", "no number", hits, len(rows)))
    return claims
