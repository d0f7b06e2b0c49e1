"""`bayes`: the posterior's share of each k-gon as the sample grows, and where the pentagon gives way to the hexagon.

Source: Chen et al. 2023, arXiv 2310.06301; six one-hot features, two hidden dimensions. Convention: noise of variance 1, so that
    p(w | n) ∝ exp(−n·½L(w)) · N(w; 0, 1),
with all weights and biases standard normal. L is the population loss, or L_n of n examples really drawn. Without the factor ½
every n below is half as large, in the posterior; in the formula n L + λ ln n it is not, since that leaves constants out.

Sampling: particles drawn from the prior follow a ladder of n; at each rung they are weighted by exp(−(n'½L_n' − n½L_n)),
resampled, and moved by Hamiltonian Monte Carlo (annealed importance sampling with resampling: Neal 2001; Del Moral, Doucet &
Jasra 2006). Independent systems of particles give the intervals. A particle belongs to the k-gon that descent of L from it
reaches.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from slt_bias import streams
from slt_bias.llc.descent import descend
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers.hmc import Walk
from slt_bias.plots.superposition import bayes as figures
from slt_bias.progress import Progress
from slt_bias.subjects import superposition as subject
from slt_bias.subjects.superposition.critical import Polygon, exact_learning_coefficient
from slt_bias.subjects.superposition.landscape import OneHotLandscape, OneHotSample
from slt_bias.subjects.superposition.levels import NONE, classify
from slt_bias.subjects.superposition.one_hot import one_hot_hessian, one_hot_loss
from slt_bias.workflows.claims import Claim, counted
from slt_bias.workflows.superposition.experiment import Outcome, Setting

FEATURES = 6
SCALE = 0.5
LARGEST = 4000  # n
POPULATION, DRAWN = "population loss", "drawn examples"
MOVES, LEAPFROG_STEPS, ACCEPTANCE = 4, 8, 0.8  # trajectories at each rung
RATE, DESCENT, POLISH = 1.0, 150, 60  # of the descent that names a particle, on ½L; then quasi-Newton steps
OTHERS = "other"  # 1 and 0 features represented
STACK = (OTHERS, "2", "3", "4", "4+", "4++", "5", "5+", "6")
GRID = (40, 8, 50)  # of the plateau: radius, direction, bias
PAPER = 600.0


@dataclass(frozen=True)
class Annealed:
    """One system of particles. names : (rungs shown, particles). log_evidence : ln ∫ exp(−n·½L) dN at each rung shown."""

    names: np.ndarray
    log_evidence: np.ndarray


def run(setting: Setting) -> Outcome:
    """Posterior shares over n, and the crossover from 5 to 6, predicted and sampled.

    Tables. `occupancy`: loss (population, or drawn examples), n, name, share, low, high: means over systems with 95 % intervals
    (Student's t). `crossovers`: loss, system, n where 6 overtakes 5. `predictions`: how, scale (1 or ½), prior_variance, n.
    `evidence`: loss, n, log_evidence (mean over systems), standard_error.
    """
    points = subject.polygons(FEATURES)
    ladder = np.unique(np.geomspace(1, LARGEST, setting.pick(80, 60, 24)).round()).astype(int)
    shown = np.arange(len(ladder))[ladder >= 8][::3]
    results: dict[str, list[Annealed]] = {}
    for loss, systems in ((POPULATION, setting.pick(12, 6, 2)), (DRAWN, setting.pick(32, 12, 2))):
        results[loss] = _systems(loss, systems, ladder, shown, points, setting)
    steps = ladder[shown]
    occupancy = pd.concat([_occupancy(loss, steps, systems) for loss, systems in results.items()], ignore_index=True)
    crossovers = pd.concat([_crossovers(loss, steps, systems) for loss, systems in results.items()], ignore_index=True)
    evidence = pd.concat([_evidence(loss, steps, systems) for loss, systems in results.items()], ignore_index=True)
    predictions = _predictions(points)
    claims = _claims(occupancy, crossovers, predictions, setting)
    tables = {"occupancy": occupancy, "crossovers": crossovers, "predictions": predictions, "evidence": evidence}
    picture = figures.occupancy(occupancy, crossovers, _marks(predictions), points, STACK)
    return Outcome(tuple(claims), tables, {"bayes": picture}, _notes(predictions, crossovers))


# sampling


def _systems(
    loss: str, count: int, ladder: np.ndarray, shown: np.ndarray, points: Sequence[Polygon], setting: Setting
) -> list[Annealed]:
    """Independent systems in threads; each with its own particles and, for drawn examples, its own sample."""
    particles = setting.pick(1024, 512, 128) if loss == POPULATION else setting.pick(512, 384, 128)
    named = setting.pick(256, 128, 32)
    threads = setting.workers or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool, Progress(f"bayes, {loss}", count, setting.progress) as bar:
        found = []
        for system in pool.map(
            lambda number: _anneal(loss, number, particles, named, ladder, shown, points, setting.seed), range(count)
        ):
            found.append(system)
            bar.update(len(found))
    return found


def _anneal(
    loss: str,
    system: int,
    particles: int,
    named: int,
    ladder: np.ndarray,
    shown: np.ndarray,
    points: Sequence[Polygon],
    seed: int,
) -> Annealed:
    """One system of particles through all n."""
    purpose: list[streams.Purpose] = ["experiments", "bayes", loss, system]
    population = OneHotLandscape(FEATURES, scale=SCALE)
    landscapes = [population] * len(ladder)
    if loss == DRAWN:
        which = streams.integers(seed, [*purpose, "which"], 0, (int(ladder[-1]),), FEATURES)
        values = streams.uniforms(seed, [*purpose, "values"], 0, (int(ladder[-1]),))
        landscapes = [OneHotSample(FEATURES, scale=SCALE, which=which[:n], values=values[:n]) for n in ladder]
    start = streams.normals(seed, [*purpose, "prior"], 0, (particles, population.dimension)).astype(np.float64)
    posterior = Posterior(landscapes[0], np.zeros_like(start), np.ones(particles), np.ones(particles))
    walk = Walk.begin(posterior, start, seed, [[*purpose, "particle", number] for number in range(particles)])
    luck = streams.uniforms(seed, [*purpose, "resampling"], 0, (len(ladder),))
    step, before, log_evidence, kept, levels = 0.3, np.zeros(particles), 0.0, [], []
    for rung, (n, landscape) in enumerate(zip(ladder, landscapes, strict=True)):
        losses, gradients = landscape.gradients(walk.positions)
        gains = before - n * losses
        weights = np.exp(gains - gains.max())
        log_evidence += gains.max() + math.log(weights.mean())
        chosen = np.searchsorted(np.cumsum(weights) / weights.sum(), (np.arange(particles) + luck[rung]) / particles)
        chosen = np.minimum(chosen, particles - 1)
        walk.positions, walk.losses, walk.gradients = walk.positions[chosen], losses[chosen], gradients[chosen]
        walk.posterior = replace(posterior, landscape=landscape, inverse_temperature=np.full(particles, float(n)))
        for _ in range(MOVES):
            accepted = walk.advance(np.full(particles, step), LEAPFROG_STEPS)
            step *= math.exp(0.6 * (float(accepted.mean()) - ACCEPTANCE))
        before = n * walk.losses
        if rung in shown:
            kept.append(walk.positions[:named].copy())
            levels.append(log_evidence)
    return Annealed(_named(np.concatenate(kept), points).reshape(len(shown), named), np.array(levels))


def _named(places: np.ndarray, points: Sequence[Polygon]) -> np.ndarray:
    """The k-gon that descent of the population loss from each place reaches."""
    landscape = OneHotLandscape(FEATURES, scale=SCALE)
    for _ in range(DESCENT):
        places = places - RATE * landscape.gradients(places)[1]
    names = classify(*landscape.parts(descend(landscape, places, POLISH)[1]), points)
    return np.where(names == NONE, OTHERS, names)


# tables


def _mean(values: np.ndarray) -> tuple[float, float, float]:
    """Mean over systems and its 95 % interval (Student's t)."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return float(values.mean()), math.nan, math.nan
    half = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()), float(values.mean()) - half, float(values.mean()) + half


def _shares(systems: Sequence[Annealed], name: str) -> np.ndarray:
    """(systems, rungs)."""
    return np.array([(system.names == name).mean(1) for system in systems])


def _occupancy(loss: str, steps: np.ndarray, systems: Sequence[Annealed]) -> pd.DataFrame:
    rows = []
    for name in STACK:
        for n, values in zip(steps, _shares(systems, name).T, strict=True):
            share, low, high = _mean(values)
            rows.append((loss, int(n), name, share, max(low, 0.0), min(high, 1.0)))
    return pd.DataFrame(rows, columns=["loss", "n", "name", "share", "low", "high"])


def _crossovers(loss: str, steps: np.ndarray, systems: Sequence[Annealed]) -> pd.DataFrame:
    """The last n at which the hexagon overtakes the pentagon in each system, on a line through the log odds; NaN where it
    never does."""
    rows = []
    for number, (five, six) in enumerate(zip(_shares(systems, "5"), _shares(systems, "6"), strict=True)):
        floor = 0.5 / systems[number].names.shape[1]
        odds = np.log((six + floor) / (five + floor))
        last = np.flatnonzero(odds < 0)
        n = math.nan
        if len(last) and last[-1] + 1 < len(steps):
            here = last[-1]
            part = -odds[here] / (odds[here + 1] - odds[here])
            n = float(np.exp(np.log(steps[here]) + part * np.log(steps[here + 1] / steps[here])))
        rows.append((loss, number, n))
    return pd.DataFrame(rows, columns=["loss", "system", "n"])


def _evidence(loss: str, steps: np.ndarray, systems: Sequence[Annealed]) -> pd.DataFrame:
    values = np.array([system.log_evidence for system in systems])
    error = values.std(0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.full(len(steps), np.nan)
    return pd.DataFrame({"loss": loss, "n": steps, "log_evidence": values.mean(0), "standard_error": error})


# predictions


def crossing(difference: float, coefficients: float, scale: float) -> float:
    """The larger n with n · scale · ΔL = Δλ ln n, for ΔL, Δλ > 0. NaN where there is none."""
    slope = scale * difference / coefficients
    if slope >= 1 / math.e:
        return math.nan
    n = math.e**2 / slope
    for _ in range(200):
        n = math.log(n) / slope
    return n


def free_energy(point: Polygon, n: float, scale: float = SCALE, prior_variance: float = 1.0) -> float:
    """−ln ∫ exp(−n·scale·L) dprior around all copies of a k-gon with k ≥ 5 and at most one feature off (Laplace).

    A copy is a circle of length 2π‖W‖ (rotations); there are C(c, k)·(k − 1)!·C(c − k, σ) of them. Across it the directions that
    are on are Gaussian with the Hessian n·scale·H + 1/variance; the plateau of the feature that is off (radius, direction
    and bias) is summed over a grid, its soft edge included.
    """
    features, k = len(point.biases), point.vertices
    on = np.tile(np.arange(features) < k + point.positive, 3)
    place = np.concatenate([point.weights.ravel(), point.biases])[on]
    eigenvalues, directions = np.linalg.eigh(one_hot_hessian(point.weights, point.biases)[np.ix_(on, on)])
    curvature = n * scale * eigenvalues[1:] + 1 / prior_variance
    pull = (directions.T @ place)[1:] / prior_variance
    copies = math.comb(features, k) * math.factorial(k - 1) * math.comb(features - k, point.positive)
    log_mass = math.log(copies * 2 * math.pi * point.norm * math.sqrt(k)) - n * scale * point.loss
    log_mass -= place @ place / (2 * prior_variance) + len(place) / 2 * math.log(2 * math.pi * prior_variance)
    log_mass += (len(curvature) * math.log(2 * math.pi) - np.log(curvature).sum() + (pull**2 / curvature).sum()) / 2
    if not on.all():
        log_mass += math.log(_plateau(point, n, scale, prior_variance))
    return -float(log_mass)


def _plateau(point: Polygon, n: float, scale: float, prior_variance: float) -> float:
    """∫ exp(−n·scale·(L − L*)) dprior over (W, b ≤ 0) of the one feature that is off, the last, where L is not below L*."""
    radii, turns, biases = GRID
    radius, bias = 1.5 * (np.arange(radii) + 0.5) / radii, -5.0 * (np.arange(biases) + 0.5) / biases
    angle = 2 * math.pi / point.vertices * (np.arange(turns) + 0.5) / turns
    r, a, b = (part.ravel() for part in np.meshgrid(radius, angle, bias, indexing="ij"))
    weights, offsets = np.tile(point.weights, (len(r), 1, 1)), np.tile(point.biases, (len(r), 1))
    weights[:, 0, -1], weights[:, 1, -1], offsets[:, -1] = r * np.cos(a), r * np.sin(a), b
    rise = one_hot_loss(weights, offsets) - point.loss
    density = np.exp(-(r**2 + b**2) / (2 * prior_variance)) / (2 * math.pi * prior_variance) ** 1.5
    cell = r * (1.5 / radii) * (2 * math.pi / turns) * (5.0 / biases)
    return float((density * cell * np.exp(-n * scale * np.maximum(rise, 0.0)))[rise > -1e-9].sum())


def _laplace_crossing(five: Polygon, six: Polygon, scale: float, prior_variance: float) -> float:
    """Where the free energies of pentagon and hexagon are equal, by bisection between 50 and 5,000."""
    low, high = 50.0, 5000.0

    def gain(n: float) -> float:
        return free_energy(five, n, scale, prior_variance) - free_energy(six, n, scale, prior_variance)

    if gain(low) > 0 or gain(high) < 0:
        return math.nan
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if gain(middle) < 0 else (low, middle)
    return math.sqrt(low * high)


def _predictions(points: Sequence[Polygon]) -> pd.DataFrame:
    named = {point.name: point for point in points}
    five, six = named["5"], named["6"]
    coefficients = [exact_learning_coefficient(point) or math.nan for point in (five, six)]
    rows = []
    for scale in (1.0, SCALE):
        rows.append(("n L + λ ln n", scale, math.nan, crossing(five.loss - six.loss, coefficients[1] - coefficients[0], scale)))
    for scale, variance in ((1.0, 1.0), (SCALE, 1.0), (SCALE, 0.5), (SCALE, 2.0), (SCALE, 4.0)):
        rows.append(("with constants", scale, variance, _laplace_crossing(five, six, scale, variance)))
    return pd.DataFrame(rows, columns=["how", "scale", "prior_variance", "n"])


def _marks(predictions: pd.DataFrame) -> dict[str, float]:
    """The predicted crossovers that the figure shows: label → n."""
    leading = predictions[predictions["how"] == "n L + λ ln n"].set_index("scale")["n"]
    return {"nL + λ ln n": float(leading[1.0]), "n½L + λ ln n": float(leading[SCALE]), "with constants": _constants(predictions)}


def _constants(predictions: pd.DataFrame) -> float:
    """The crossover with constants, in the convention that is sampled."""
    row = (predictions["how"] == "with constants") & (predictions["scale"] == SCALE) & (predictions["prior_variance"] == 1.0)
    return float(predictions.loc[row, "n"].iloc[0])


def _sampled(crossovers: pd.DataFrame, loss: str) -> tuple[float, float, float]:
    """Geometric mean of the systems' crossovers, with its interval."""
    values = crossovers.loc[(crossovers["loss"] == loss) & crossovers["n"].notna(), "n"].to_numpy()
    if not len(values):
        return math.nan, math.nan, math.nan
    middle, low, high = _mean(np.log(values))
    return math.exp(middle), math.exp(low), math.exp(high)


def _claims(
    occupancy: pd.DataFrame, crossovers: pd.DataFrame, predictions: pd.DataFrame, setting: Setting
) -> list[Claim]:
    marks = _marks(predictions)
    claims = [
        counted("5→6 by nL + λ ln n, no factor ½", "440", marks["nL + λ ln n"], abs(marks["nL + λ ln n"] - 440) < 10),
        counted("5→6 by n½L + λ ln n", "1000", marks["n½L + λ ln n"], abs(marks["n½L + λ ln n"] - 1000) < 20),
    ]
    for loss in (POPULATION, DRAWN):
        last = occupancy[(occupancy["loss"] == loss) & (occupancy["n"] == occupancy["n"].max())]
        row = last[last["name"] == "6"].iloc[0]
        claims.append(
            Claim(f"share of 6 at n = {row['n']}, {loss}", "near 1", row["share"], row["low"], row["high"], row["share"] > 0.95)
        )
    if setting.size == "smoke":
        return claims
    constants = marks["with constants"]
    middle, low, high = _sampled(crossovers, POPULATION)
    claims.append(
        Claim("5→6 sampled, population loss", f"{constants:.0f} ± 15 % (with constants)", middle, low, high,
              abs(middle / constants - 1) <= 0.15)
    )  # fmt: skip
    middle, low, high = _sampled(crossovers, DRAWN)
    claims.append(
        Claim("5→6 sampled, drawn examples", "about 600 (the paper's samples)", middle, low, high, abs(middle - PAPER) <= 150)
    )
    for loss in (POPULATION, DRAWN):
        order = _order(occupancy[occupancy["loss"] == loss])
        claims.append(counted(f"k-gons that lead one after another, {loss}", "3: 4, 5, 6", len(order), order == ["4", "5", "6"]))
    return claims


def _order(part: pd.DataFrame) -> list[str]:
    """The k-gons with the largest share, by ascending n."""
    leaders = [str(name) for name in part.pivot(index="n", columns="name", values="share").idxmax(axis=1)]
    return [name for number, name in enumerate(leaders) if number == 0 or name != leaders[number - 1]]


def _notes(predictions: pd.DataFrame, crossovers: pd.DataFrame) -> tuple[str, ...]:
    table = predictions[predictions["how"] == "with constants"]
    by_prior = ", ".join(
        f"{row['n']:.0f} at prior variance {row['prior_variance']:g}"
        for row in table[table["scale"] == SCALE].sort_values("prior_variance").to_dict("records")
    )
    return (
        "Convention: the posterior is exp(−n·½L) (noise of variance 1) times a standard normal prior on all weights and biases; "
        "without the factor ½ each n is half as large.",
        f"nL + λ ln n leaves out what does not grow with n: 120 labelled hexagons against 144 pentagons, the prior, the "
        f"curvature, and the plateau of the sixth feature. With these the crossover is {by_prior} (½L).",
        "Drawn examples cross later than the population loss: the pentagon leaves out the feature that the sample has least of; "
        "this is close to what the paper reads from its samples.",
        f"A particle belongs to the k-gon that descent from it reaches; '{OTHERS}': points with one or no feature represented.",
    )
