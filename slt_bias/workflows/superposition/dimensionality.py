"""How many dimensions a feature gets, from dense to sparse (Elhage et al. 2022, "Uniform Superposition").

n = 400 equal features in m = 30 dimensions. D* = m/‖W‖_F² is the mean, Dᵢ = ‖Wᵢ‖²/Σⱼ(Ŵᵢ·Wⱼ)² that of one feature. Both stick to
the fractions of polytopes whose vertices share their subspace evenly: k vertices in d dimensions give each d/k. A Dᵢ near a
fraction is no proof of its polytope: as features crowd, pairs disturb each other and slide from 1/2 past 2/5 and 3/8. So the
share of features is also given that lie near a fraction and belong to its polytope.

Batches are small except near density 1: noise lets features leave poor arrangements, at less cost than more steps of large ones.
At density 1/4, where pairs have the lowest loss, a larger learning rate does the same; at lower densities it would keep pairs
where pentagons have a lower loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from slt_bias.plots.superposition.dimensionality import GeometryGraph, sticky_dimensionalities
from slt_bias.subjects.superposition import (
    Component,
    Model,
    components,
    dimensions_per_feature,
    feature_dimensionality,
    norms,
)
from slt_bias.subjects.superposition.measures import unit_columns
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

REPRESENTED = 0.5  # a feature counts where ‖Wᵢ‖ is above this
NEAR = 0.02  # a dimensionality is near a fraction within this, and counts for the nearest fraction alone
TOLERANCE = 0.2  # cosines within this of 0 count as 0 where geometries are named: factors disturb each other a little
FRACTIONS = (
    (1.0, "1", "own dimension"),
    (3 / 4, "3/4", "tetrahedron"),
    (2 / 3, "2/3", "triangle"),
    (1 / 2, "1/2", "digon"),
    (2 / 5, "2/5", "pentagon"),
    (3 / 8, "3/8", "square antiprism"),
)
FEWEST = 10  # represented features of which a share is taken
PAIRS = 4.0  # 1/(1−S) at which all features come in antipodal pairs


@dataclass(frozen=True)
class Band:
    """Values of 1/(1−S) that are trained alike."""

    inverse_densities: tuple[float, ...]
    batch: int
    steps: int
    seeds: int
    learning_rate: float = 0.003


FULL = (
    Band((1.0, 1.2), 1024, 4000, 1),
    Band((1.4, 1.6, 1.8, 2.0, 2.4), 256, 20000, 1),
    Band((2.8, 3.4), 128, 20000, 1),
    Band((PAIRS,), 128, 12000, 5, 0.01),
    Band((4.4, 4.6, 4.8, 5.0, 5.3, 5.6), 128, 40000, 2),
    Band((6.0, 7.0, 8.0, 10.0, 13.0, 16.0, 24.0, 32.0, 48.0, 64.0), 128, 20000, 1),
)
QUICK = (
    Band((1.0,), 1024, 2500, 1),
    Band((1.5, 2.0, 2.5), 128, 10000, 1),
    Band((3.2,), 128, 10000, 1),
    Band((PAIRS,), 128, 10000, 3, 0.01),
    Band((4.6, 4.8, 5.0, 5.3, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0), 128, 12000, 1),
)
SMOKE = (Band((1.0,), 1024, 6000, 1), Band((2.5, PAIRS, 5.0, 16.0), 128, 6000, 2))
GRAPHS = (2.0, 3.4, 4.6, 5.0, 6.0, 8.0)  # 1/(1−S) of the graphs that are drawn, or the nearest trained


@dataclass(frozen=True, eq=False)
class Condition:
    """All seeds at one density, by ascending loss: weights (seeds, hidden, features), loss (seeds,), components of each."""

    inverse_density: float
    weights: np.ndarray
    loss: np.ndarray
    parts: tuple[tuple[Component, ...], ...]

    @property
    def dimensionality(self) -> np.ndarray:
        """Dᵢ, (seeds, features)."""
        return feature_dimensionality(self.weights)

    @property
    def represented(self) -> np.ndarray:
        """Which features count, (seeds, features)."""
        return norms(self.weights) > REPRESENTED

    def share(self, value: float, name: str = "") -> np.ndarray:
        """The share of the represented features whose Dᵢ is near a fraction, (seeds,); with a name, in such a polytope as well.

        0 where so few features count that a share would say nothing.
        """
        hits, count = near(self.dimensionality, value) & self.represented, self.represented.sum(1)
        if name:
            hits &= self.belongs(name)
        return np.where(count < FEWEST, 0.0, hits.sum(1) / np.maximum(count, 1))

    def belongs(self, name: str) -> np.ndarray:
        """Which features are in a component of this name, (seeds, features)."""
        found = np.zeros(self.represented.shape, bool)
        for k, parts in enumerate(self.parts):
            for part in parts:
                if part.name == name:
                    found[k, list(part.features)] = True
        return found

    def named(self, name: str) -> np.ndarray:
        """How many components have this name, (seeds,)."""
        return np.array([sum(part.name == name for part in found) for found in self.parts])


def run(setting: Setting) -> Outcome:
    """Train at all densities, measure D* and Dᵢ, name the geometries.

    Tables: "densities" (a row a density and seed: loss, D*, ΣDᵢ, represented features, their shares near each fraction, in any
    and in its own geometry, the geometries as text), "features" (a row a density and feature of the best seeds: norm,
    dimensionality, geometry) and "geometries" (a row a density and name of a component of the best seeds: how many, and of how
    many features).
    Figure: "dimensionality".
    """
    features, hidden = setting.pick((400, 30), (400, 30), (60, 6))
    found: list[Condition] = []
    for band in setting.pick(FULL, QUICK, SMOKE):
        found += _train(setting, features, hidden, band)
    found.sort(key=lambda condition: condition.inverse_density)
    tables = {"densities": densities_table(found), "features": features_table(found), "geometries": geometries_table(found)}
    notes = (
        f"A feature counts where its norm is above {REPRESENTED:g}; near a fraction means within {NEAR:g} of it and nearer than "
        "to any other.",
        f"Geometries are named with cosines within {TOLERANCE:g} of 0 taken as 0.",
        "Near density 1 W projects onto directions that belong to no feature, so that no single norm passes the threshold.",
    )
    claimed = claims(found, hidden)[: 4 if setting.size == "smoke" else None]
    return Outcome(tuple(claimed), tables, {"dimensionality": _figure(found, features, hidden)}, notes)


def near(dimensionality: np.ndarray, value: float) -> np.ndarray:
    """Where Dᵢ is within NEAR of a fraction and nearer to it than to the other sticky ones; same shape, bool."""
    values = np.array([each for each, _, _ in FRACTIONS])
    distances = np.abs(np.asarray(dimensionality)[..., None] - values)
    place = int(np.flatnonzero(values == value)[0])
    return (distances.argmin(-1) == place) & (distances[..., place] <= NEAR)


def _train(setting: Setting, features: int, hidden: int, band: Band) -> list[Condition]:
    model = Model(features, hidden, density=1 / np.array(band.inverse_densities)[:, None])
    fitted = model.fit(
        range(setting.seed, setting.seed + band.seeds),
        steps=band.steps,
        batch=band.batch,
        learning_rate=band.learning_rate,
        workers=setting.workers,
        progress=setting.progress,
    )
    made = []
    for inverse, weights, loss in zip(band.inverse_densities, fitted.weights, fitted.loss, strict=True):
        order = np.argsort(loss, kind="stable")
        parts = tuple(components(weights[seed], REPRESENTED, TOLERANCE) for seed in order)
        made.append(Condition(inverse, weights[order], loss[order], parts))
    return made


def claims(found: Sequence[Condition], hidden: int) -> list[Claim]:
    """D* at density 1, antipodal pairs at density 1/4, ΣDᵢ, and how much lies near the other fractions."""
    dense = next(each for each in found if each.inverse_density == 1)
    pairs = next(each for each in found if each.inverse_density == PAIRS)
    mean = float(dimensions_per_feature(dense.weights[0]))
    count, half = pairs.represented.sum(1), pairs.share(1 / 2)
    hits = int(((count == 2 * hidden) & (half >= 0.95)).sum())
    total, lead = float(pairs.dimensionality[0].sum()), "1−S=0.25"
    sums = np.array([each.dimensionality[0].sum() for each in found])
    claimed = [
        counted("1−S=1: D* = m/‖W‖_F²", "1.00 ± 0.01", mean, abs(mean - 1) <= 0.01),
        counted(f"{lead}: features (best)", str(2 * hidden), count[0], count[0] == 2 * hidden),
        counted(f"{lead}: share of the Dᵢ within 0.02 of 1/2 (best)", "≥ 0.95", half[0], half[0] >= 0.95),
        counted(f"{lead}: ΣDᵢ (best)", f"{hidden}", total, abs(total / hidden - 1) <= 0.002),
        fraction(f"{lead}: share of seeds with {2 * hidden} features, 95 % of them at 1/2", "most", hits, len(count), 0.5),
        counted("ΣDᵢ, the density furthest off (best)", f"{hidden} ± 1 %", sums.min(), sums.min() >= 0.99 * hidden),
    ]
    for value, text, name in FRACTIONS[1:]:
        if text == "1/2":
            continue
        at = max(found, key=lambda each: float(each.share(value, name)[0]))
        share, alone = float(at.share(value, name)[0]), max(float(each.share(value)[0]) for each in found)
        where = f" (at 1/(1−S)={at.inverse_density:g}, {at.named(name)[0]} × {name})" if share else ""
        lead = f"largest share of the Dᵢ near {text} (best)"
        claimed.append(counted(f"{lead} and in a {name}{where}", "a cluster: ≥ 0.1", share, share >= 0.1))
        claimed.append(counted(f"{lead}, in whatever geometry", "≥ 0.1", alone, alone >= 0.1))
        seeds = [int(each.named(name)[k]) > 0 for each in found for k in range(len(each.loss)) if 4 < each.inverse_density < 6]
        if value < 1 / 2 and seeds:
            text = f"4 < 1/(1−S) < 6: share of seeds and densities with a {name}"
            claimed.append(fraction(text, "most", sum(seeds), len(seeds), 0.5))
    return claimed


def densities_table(found: Sequence[Condition]) -> pd.DataFrame:
    """A row a density and seed, seeds by ascending loss."""
    rows = []
    for each in found:
        for k in range(len(each.loss)):
            counts = Counter(part.name for part in each.parts[k])
            row: dict[str, object] = {
                "inverse_density": each.inverse_density,
                "density": 1 / each.inverse_density,
                "rank_by_loss": k,
                "loss": each.loss[k],
                "features": int(each.represented[k].sum()),
                "dimensions_per_feature": float(dimensions_per_feature(each.weights[k])),
                "sum_of_dimensionalities": float(each.dimensionality[k].sum()),
            }
            row |= {f"share_near_{text}": each.share(value)[k] for value, text, _ in FRACTIONS}
            for value, text, name in FRACTIONS[1:]:
                row[f"share_{name.replace(' ', '_')}_near_{text}"] = each.share(value, name)[k]
            row["geometries"] = " + ".join(f"{count} × {name}" for name, count in counts.most_common())
            rows.append(row)
    return pd.DataFrame(rows)


def features_table(found: Sequence[Condition]) -> pd.DataFrame:
    """A row a density and feature of the best seeds; geometry is empty for features that do not count."""
    frames = []
    for each in found:
        names = np.full(each.weights.shape[-1], "", dtype=object)
        for part in each.parts[0]:
            names[list(part.features)] = part.name
        rows = {
            "inverse_density": each.inverse_density,
            "feature": np.arange(len(names)),
            "norm": norms(each.weights[0]),
            "dimensionality": each.dimensionality[0],
            "geometry": names,
        }
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def geometries_table(found: Sequence[Condition]) -> pd.DataFrame:
    """A row a density and name (irregular ones by size and dimension), of the best seeds."""
    rows = []
    for each in found:
        counts = Counter((part.name, len(part.features), part.dimension) for part in each.parts[0])
        for (name, size, dimension), count in sorted(counts.items()):
            row = {"geometry": name, "features": size, "dimension": dimension, "count": count}
            rows.append({"inverse_density": each.inverse_density} | row)
    return pd.DataFrame(rows, columns=["inverse_density", "geometry", "features", "dimension", "count"])


def _figure(found: Sequence[Condition], features: int, hidden: int) -> Figure:
    inverse = np.array([each.inverse_density for each in found])
    shown = sorted({int(np.abs(np.log(inverse / value)).argmin()) for value in GRAPHS} & _with_features(found))
    shares = {}
    for value, text, name in FRACTIONS[1:]:
        curve = np.array([each.share(value, name)[0] if each.represented[0].sum() >= FEWEST else np.nan for each in found])
        shares[f"{text} ({name})"] = curve
    return sticky_dimensionalities(
        inverse,
        np.array([float(dimensions_per_feature(each.weights[0])) for each in found]),
        np.stack([each.dimensionality[0] for each in found]),
        np.stack([each.represented[0] for each in found]),
        [(value, f"{text}  {name}") for value, text, name in FRACTIONS],
        shares,
        [_graph(found[place]) for place in shown],
        f"{features} equal features in {hidden} dimensions",
    )


def _with_features(found: Sequence[Condition]) -> set[int]:
    return {place for place, each in enumerate(found) if each.represented[0].any()}


def _graph(condition: Condition) -> GeometryGraph:
    kept = np.flatnonzero(condition.represented[0])
    units = unit_columns(condition.weights[0])[:, kept]
    places = {int(feature): place for place, feature in enumerate(kept)}
    parts = [(part.name, [places[feature] for feature in part.features]) for part in condition.parts[0]]
    title = f"1/(1−S) = {condition.inverse_density:g}\n{len(kept)} features"
    return GeometryGraph(title, condition.inverse_density, units.T @ units, parts, TOLERANCE)
