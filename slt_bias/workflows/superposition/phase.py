"""What becomes of an extra feature: not represented, a dimension of its own, or superposition, by density and importance.

Elhage et al. 2022, "Superposition as a Phase Change": n = 2 features in one dimension and n = 3 in two, all of density 1 − S,
the last of relative importance r. Trained on the exact population loss, beside the theory of the best closed candidate
(`subjects.superposition.phases`, which also states the rule that reads a phase off ‖W‖ and superposition).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slt_bias.plots.superposition.phase import phase_maps
from slt_bias.subjects.superposition import Model, norms, superposition
from slt_bias.subjects.superposition.phases import (
    LEAST_NORM,
    LEAST_SUPERPOSITION,
    PHASES,
    TheoreticalPhase,
    candidates,
    phase_of,
    theoretical_phase,
)
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

FEATURES = (2, 3)
LEARNING_RATE = 0.05
SAME = 1e-3  # relative difference of losses within which two seeds count as the same minimum
BELOW = 1e-4  # relative difference by which a loss lies below every candidate
EXPECTED = {2: (0.116, 0.115, 0.769), 3: (0.117, 0.480, 0.403)}  # shares of PHASES, measured before on a map of 40 × 40
SHARE_WITHIN = 0.01  # about half a cell along the boundaries
MIRRORED = np.array([1, 0, 2])  # the phase of the other feature, for n = 2


@dataclass(frozen=True, eq=False)
class PhaseMap:
    """Trained and theoretical phases of n features: arrays (densities, importances), of the seeds with one axis more.

    density (densities,), descending from 1; importance (importances,), ascending and symmetric about 1.
    loss, norm, superposition (…, seeds) : of the extra feature; theory : the best candidates.
    """

    features: int
    density: np.ndarray
    importance: np.ndarray
    loss: np.ndarray
    norm: np.ndarray
    superposition: np.ndarray
    theory: TheoreticalPhase
    seconds: float

    @property
    def phases(self) -> np.ndarray:
        """Number in PHASES of every seed."""
        return phase_of(self.norm, self.superposition)

    def of_best(self, values: np.ndarray) -> np.ndarray:
        """The values of the seed of lowest loss, (densities, importances)."""
        return np.take_along_axis(values, self.loss.argmin(-1)[..., None], -1)[..., 0]


def run(setting: Setting) -> Outcome:
    """Train a map for n = 2 and one for n = 3, and compare with the theory.

    Table "cells", a row a cell: features, density, importance, phase, norm, superposition, loss (of the best seed),
    theory_phase, theory_norm, theory_superposition, theory_loss, candidate, seeds_like_theory (fraction of the seeds in the
    theory's phase), seeds_at_best (fraction within 0.1 % of the lowest loss). Figure "phases": both maps of both.
    """
    cells, seeds, steps = setting.pick((40, 5, 1000), (24, 5, 600), (10, 3, 300))
    maps = [phase_map(setting, features, cells, seeds, steps) for features in FEATURES]
    claims = [claim for part in maps for claim in map_claims(part, setting.size == "smoke")]
    table = pd.concat([cells_table(part) for part in maps], ignore_index=True)
    notes = [
        f"Phases: not represented where the extra feature's norm is at most {LEAST_NORM:g}, else a dimension of its own where "
        f"its superposition is at most {LEAST_SUPERPOSITION:g}, else superposition; the seed of lowest loss decides a cell.",
        *(f"n={part.features}: {cells}×{cells}×{seeds} runs of {steps} exact steps in {part.seconds:.1f} s." for part in maps),
    ]
    kept, shared = maps[1].of_best(maps[1].norm) > LEAST_NORM, maps[1].of_best(maps[1].superposition)
    low, high = (float((kept & (shared <= threshold)).mean()) for threshold in (1e-4, 0.5))
    above = maps[1].theory.phase[:, maps[1].importance > 1] == 1
    notes.append(
        f"n=3: theory gives the extra feature a dimension of its own in {100 * above.mean():.1f} % of the cells with r > 1, "
        f"half of the map; trained, the share is {low:.3f} … {high:.3f} for thresholds of superposition from 0.0001 to 0.5."
    )
    below = maps[1].loss.min(-1) / maps[1].theory.loss - 1
    if (below < -BELOW).any():
        notes.append(
            f"n=3: in {(below < -BELOW).sum()} dense cells about r = 1 training finds a loss below every candidate, by up to "
            f"{-100 * below.min():.1f} %: there three features share the plane, a shape that is not among the candidates."
        )
    return Outcome(tuple(claims), {"cells": table}, {"phases": phase_maps(table)}, tuple(notes))


def phase_map(setting: Setting, features: int, cells: int, seeds: int, steps: int) -> PhaseMap:
    """Train cells × cells × seeds instances: density 1 … 0.01 and importance 0.1 … 10, both logarithmic."""
    density, importance = np.geomspace(1, 0.01, cells), np.geomspace(0.1, 10, cells)
    importances = np.ones((cells, cells, features))
    importances[..., -1] = importance
    start = time.perf_counter()
    fitted = Model(features, features - 1, density=density[:, None, None], importances=importances).fit(
        range(setting.seed, setting.seed + seeds),
        steps=steps,
        batch=None,
        learning_rate=LEARNING_RATE,
        workers=setting.workers,
        progress=setting.progress,
    )
    seconds = time.perf_counter() - start
    norm, shared = norms(fitted.weights)[..., -1], superposition(fitted.weights)[..., -1]
    theory = theoretical_phase(features, density[:, None], importance)
    return PhaseMap(features, density, importance, fitted.loss, norm, shared, theory, seconds)


def map_claims(part: PhaseMap, rough: bool = False) -> list[Claim]:
    """Agreement with the theory, the mirror of n = 2, and the shares of the phases; the shares not where the map is rough."""
    lead = f"n={part.features}: "
    best, like = part.of_best(part.phases), part.phases == part.theory.phase[..., None]
    agree = float((best == part.theory.phase).mean())
    claims = [counted(f"{lead}cells that agree with the theory, best of seeds", "≥ 0.97", agree, agree >= 0.97)]
    claims.append(fraction(f"{lead}seeds that agree with the theory", "not stated", int(like.sum()), like.size))
    if part.features == 2:
        mirror = mirrored(best)
        claims.append(counted(f"{lead}cells like their mirror, importance → 1/importance", "≥ 0.99", mirror, mirror >= 0.99))
    if not rough:
        for number, (name, said) in enumerate(zip(PHASES, EXPECTED[part.features], strict=True)):
            share = float((best == number).mean())
            holds = abs(share - said) <= SHARE_WITHIN
            claims.append(counted(f"{lead}share {name}", f"{said:.3f} ± {SHARE_WITHIN}", share, holds))
    return claims


def mirrored(phases: np.ndarray) -> float:
    """The fraction of cells (densities, importances) like their mirror image: the features of n = 2 change places."""
    return float((MIRRORED[phases[:, ::-1]] == phases).mean())


def cells_table(part: PhaseMap) -> pd.DataFrame:
    """A row a cell, densities outermost."""
    names, kinds = np.array([each.name for each in candidates(part.features)]), np.array(PHASES)
    density, importance = np.meshgrid(part.density, part.importance, indexing="ij")
    lowest = part.loss.min(-1)
    columns = {
        "density": density,
        "importance": importance,
        "phase": kinds[part.of_best(part.phases)],
        "norm": part.of_best(part.norm),
        "superposition": part.of_best(part.superposition),
        "loss": lowest,
        "theory_phase": kinds[part.theory.phase],
        "theory_norm": part.theory.norm,
        "theory_superposition": part.theory.superposition,
        "theory_loss": part.theory.loss,
        "candidate": names[part.theory.best],
        "seeds_like_theory": (part.phases == part.theory.phase[..., None]).mean(-1),
        "seeds_at_best": (part.loss <= lowest[..., None] * (1 + SAME)).mean(-1),
    }
    table = pd.DataFrame({name: column.ravel() for name, column in columns.items()})
    table.insert(0, "features", part.features)
    return table
