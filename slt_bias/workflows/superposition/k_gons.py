"""`k-gons`: the critical points of the one-hot model with two hidden dimensions, their λ, and the runs that end at them.

Source: Chen et al. 2023, arXiv 2310.06301; losses are exact (`subjects.superposition.one_hot`). Convention: levels are the bare
squared error L; λ is that of the negative log-likelihood of noise of variance 1, ½L in nats, with nβ its factor in
exp(−nβ·½L(w) − (γ/2)‖w − w*‖²). λ itself does not depend on the factor ½, the temperature at which a phase is left does.

The features of a k-gon that are off lie on a plateau with an edge of the third order: chains that reach it find λ + O((nβ)^−1/3),
and where the plateau ends at a lower loss they leave. γ = 25 keeps them inside (a distance of 0.2), γ = 1 does not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from slt_bias import streams
from slt_bias.llc.fast import Plan, run_fast
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.plots.superposition import k_gons as figures
from slt_bias.subjects import superposition as subject
from slt_bias.subjects.superposition.critical import Polygon, exact_learning_coefficient
from slt_bias.subjects.superposition.critical_search import CriticalPoints, critical_points
from slt_bias.subjects.superposition.landscape import OneHotLandscape
from slt_bias.subjects.superposition.levels import NONE, classify
from slt_bias.workflows.claims import Claim, counted, fraction
from slt_bias.workflows.superposition.experiment import Outcome, Setting

FEATURES = 6
SCALE = 0.5  # ½L: noise of variance 1
LEVELS = {
    "6": 0.04819, "5+": 0.06180, "5": 0.06874, "4++": 0.09722, "4+": 0.10417, "4": 1 / 9,
    "3+++": 1 / 6 - 3 / 144, "3++": 1 / 6 - 2 / 144, "3+": 1 / 6 - 1 / 144, "3": 1 / 6, "2": 2 / 9,
}  # fmt: skip
PENTAGON_OF_FIVE = 0.01583
COEFFICIENTS = {"6": 8.5, "5+": 8.5, "5": 7.0}
DERIVED = {"4++": 8.5, "4+": 8.0, "4": 7.5, "3": 6.0}  # `exact_learning_coefficient`
INSIDE, WIDE = 25.0, 1.0  # γ
CONDITIONS = ((1e5, INSIDE), (1e6, INSIDE), (1e5, WIDE))  # (nβ, γ)
PATH_TEMPERATURE = 1e5
SMALL_START = 0.05  # standard deviation of the weights from which the staircase of saddles is seen
MODELS_AT_ONCE = 256


def run(setting: Setting) -> Outcome:
    """Critical points, λ exact and sampled, trained runs by level, λ̂ along training.

    Tables. `critical_points`: a row a class: features, name ("" where it is no k-gon), loss, kind (minimum or saddle),
    descending and flat (eigenvalues of the Hessian below 0 and at 0; empty where there is no Hessian), on, positive, found.
    `searches`: features, starts, converged, classes, minima, other_minima (that are no k-gon), seen_once, chance_of_a_new_one,
    missing, seconds. `levels`: name, vertices, positive, norm, bias, loss, exact λ (empty for saddles), sampled λ (nβ = 10⁶,
    γ = 25; empty where it was not sampled). `sampled`: name, exact, inverse_temperature, localization, value, low, high,
    standard_error, status, reason; value is empty where the verdict is not "ok". `runs`: gradients (exact, or the batch), seed,
    loss, name. `paths`: seed, step, loss, name of the runs from small weights. `path_coefficients`: λ̂ along these, the columns
    of `sampled` without exact, and seed, step.
    """
    claims: list[Claim] = []
    searches = _search(setting)
    found = pd.concat([_points_table(search) for search, _ in searches], ignore_index=True)
    claims += _about_points(searches, setting)
    points = subject.polygons(FEATURES)
    claims += _about_levels(points)
    sampled = _sampled(points, setting)
    claims += _about_coefficients(points, sampled, setting)
    runs = _runs(points, setting)
    claims += _about_runs(runs, points)
    paths, along = _paths(points, setting)
    claims += _about_paths(along)
    levels = pd.DataFrame(
        [(p.name, p.vertices, p.positive, p.norm, p.bias, p.loss, exact_learning_coefficient(p)) for p in points],
        columns=["name", "vertices", "positive", "norm", "bias", "loss", "exact"],
    )
    coldest = sampled[(sampled["inverse_temperature"] == CONDITIONS[1][0]) & (sampled["localization"] == INSIDE)]
    levels["sampled"] = levels["name"].map(coldest.set_index("name")["value"])
    tables = {
        "critical_points": found,
        "searches": _searches_table(searches),
        "levels": levels,
        "sampled": sampled,
        "runs": runs,
        "paths": paths,
        "path_coefficients": along,
    }
    pictures = {"k_gons": figures.runs(paths, along, levels), "critical_points": figures.critical_points(found)}
    return Outcome(tuple(claims), tables, pictures, _notes(searches))


# critical points


def _search(setting: Setting) -> list[tuple[CriticalPoints, float]]:
    """The searches, and the seconds that each took."""
    done = []
    for features in range(2, setting.pick(9, 8, 5)):
        start = time.monotonic()
        search = critical_points(features, setting.pick(None, 4000, 300), setting.seed, setting.workers)
        done.append((search, time.monotonic() - start))
    return done


def _points_table(search: CriticalPoints) -> pd.DataFrame:
    rows = [
        (search.features, p.name, p.loss, "minimum" if p.minimum else "saddle", p.descending, p.flat, p.on, p.positive, p.found)
        for p in search.points
    ]
    columns = ["features", "name", "loss", "kind", "descending", "flat", "on", "positive", "found"]
    return pd.DataFrame(rows, columns=columns).astype({"descending": "Int64", "flat": "Int64"})


def _searches_table(searches: Sequence[tuple[CriticalPoints, float]]) -> pd.DataFrame:
    rows = []
    for search, seconds in searches:
        minima = [point for point in search.points if point.minimum]
        rows.append(
            {
                "features": search.features,
                "starts": search.starts,
                "converged": search.converged,
                "classes": len(search.points),
                "minima": len(minima),
                "other_minima": sum(not point.name for point in minima),
                "seen_once": sum(point.found == 1 for point in search.points),
                "chance_of_a_new_one": search.chance_of_a_new_one,
                "missing": search.missing,
                "seconds": seconds,
            }
        )
    return pd.DataFrame(rows)


def _about_points(searches: Sequence[tuple[CriticalPoints, float]], setting: Setting) -> list[Claim]:
    claims = []
    for search, _ in searches:
        if search.features <= FEATURES:
            others = sum(point.minimum and not point.name for point in search.points)
            claims.append(counted(f"minima that are no k-gon, c = {search.features}", "0", others, others == 0))
        if search.features == FEATURES:
            names = {point.name for point in search.points if point.minimum}
            missing = set(LEVELS) - {"3+++", "3++", "3+"} - names
            claims.append(counted("minima among 6, 5+, 5, 4++, 4+, 4, 3, 2", "8", 8 - len(missing), not missing))
    if setting.size == "full":
        seconds = sum(each for _, each in searches)
        claims.append(counted("seconds for all critical points, c ≤ 8", "≤ 30", seconds, seconds <= 30))
    return claims


def _about_levels(points: Sequence[Polygon]) -> list[Claim]:
    named = {point.name: point for point in points}
    five = {point.name: point for point in subject.polygons(5)}
    levels = [(f"loss of {name}, c = 6", named[name].loss, value, 1e-5) for name, value in LEVELS.items()]
    levels.append(("loss of 5, c = 5", five["5"].loss, PENTAGON_OF_FIVE, 1e-5))
    levels += [("‖Wᵢ‖ of 6", named["6"].norm, 1.321, 1e-3), ("bias of 6", named["6"].bias, -0.618, 1e-3)]
    return [
        counted(name, f"{value:.5f}" if error < 1e-4 else f"{value:.3f}", found, abs(found - value) <= error)
        for name, found, value, error in levels
    ]


# learning coefficients


def estimates(
    landscape: OneHotLandscape, vectors: np.ndarray, plan: Plan, sampler: HMC, workers: int | None
) -> list[LearningCoefficient]:
    """λ̂ at each of the vectors (models, dimension), blocks of models in threads; a model's result depends on itself alone."""
    threads = workers or os.cpu_count() or 1
    size = min(MODELS_AT_ONCE, -(-len(vectors) // threads))
    blocks = [vectors[first : first + size] for first in range(0, len(vectors), size)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda block: run_fast(landscape, block, plan, sampler), blocks))
    return [result for part in parts for result in part]


def _sampled(points: Sequence[Polygon], setting: Setting) -> pd.DataFrame:
    wanted = setting.pick({**COEFFICIENTS, **DERIVED}, {**COEFFICIENTS, **DERIVED}, {"6": 8.5, "5": 7.0})
    chosen = [point for point in points if point.name in wanted]
    landscape = OneHotLandscape(FEATURES, scale=SCALE)
    centres = np.stack([landscape.vectors(point.weights, point.biases) for point in chosen])
    chains, draws = setting.pick(48, 32, 8), setting.pick(1200, 800, 60)
    rows = []
    for temperature, localization in setting.pick(CONDITIONS, CONDITIONS, CONDITIONS[1:2]):
        plan = Plan(temperature, localization, chains, draws, draws // 2, 0.95, setting.seed)
        for point, result in zip(chosen, estimates(landscape, centres, plan, HMC(), setting.workers), strict=True):
            rows.append({"name": point.name, "exact": exact_learning_coefficient(point), **_row(result)})
    return pd.DataFrame(rows)


def _row(result: LearningCoefficient) -> dict[str, object]:
    """What a table says of an estimate: a number where its verdict is "ok", else the reason."""
    good = result.status == "ok"
    value, low, high, error = (result.value, result.low, result.high, result.standard_error) if good else (np.nan,) * 4
    return {
        "inverse_temperature": result.inverse_temperature,
        "localization": result.localization,
        "value": value,
        "low": low,
        "high": high,
        "standard_error": error,
        "status": result.status,
        "reason": result.reasons[0] if result.reasons else "",
    }


def _about_coefficients(points: Sequence[Polygon], sampled: pd.DataFrame, setting: Setting) -> list[Claim]:
    exact = {point.name: exact_learning_coefficient(point) for point in points}
    claims = [
        counted(f"exact λ of {name}", f"{value}", exact[name] or np.nan, exact[name] == value)
        for name, value in COEFFICIENTS.items()
    ]
    if setting.size == "smoke":
        return claims
    inside = sampled[sampled["localization"] == INSIDE]
    for row in inside.to_dict("records"):
        cold = row["inverse_temperature"] == CONDITIONS[1][0]
        if row["name"] not in COEFFICIENTS and not cold:
            continue
        claimed, value = row["exact"], row["value"]
        name = f"sampled λ of {row['name']}, nβ = {row['inverse_temperature']:.0e}"
        whose = "" if row["name"] in COEFFICIENTS else " (derived here)"
        claims.append(Claim(name, f"{claimed} ± 0.1{whose}", value, row["low"], row["high"], abs(value - claimed) <= 0.1))
    left = sampled[sampled["name"].isin(["4", "4+"]) & (sampled["localization"] == WIDE)]
    numbers = int(left["value"].notna().sum())
    claims.append(counted("numbers given for 4 and 4+, nβ = 1e5, γ = 1", "0: the chains leave", numbers, numbers == 0))
    negative = int((sampled["value"] < 0).sum())
    claims.append(counted("negative λ given as a result", "0", negative, negative == 0))
    return claims


# runs


def _runs(points: Sequence[Polygon], setting: Setting) -> pd.DataFrame:
    model = subject.Model(features=FEATURES, hidden=2, law=subject.OneHot(FEATURES))
    plans: list[tuple[int | None, int, int]] = setting.pick(
        [(None, 100, 10_000), (1024, 100, 8000)], [(None, 100, 8000), (1024, 30, 6000)], [(None, 10, 4000)]
    )
    parts = []
    for batch, seeds, steps in plans:
        fitted = model.fit(
            seeds=range(setting.seed, setting.seed + seeds), steps=steps, batch=batch, learning_rate=0.01,
            workers=setting.workers, progress=setting.progress,
        )  # fmt: skip
        names = classify(fitted.weights, fitted.bias, points)
        kind = "exact" if batch is None else f"batch of {batch}"
        parts.append(pd.DataFrame({"gradients": kind, "seed": list(fitted.seeds), "loss": fitted.loss, "name": names}))
    return pd.concat(parts, ignore_index=True)


def _about_runs(runs: pd.DataFrame, points: Sequence[Polygon]) -> list[Claim]:
    lowest = min(points, key=lambda point: point.loss)
    claims = []
    for kind, part in runs.groupby("gradients", sort=False):
        count, named = len(part), int((part["name"] != NONE).sum())
        best = part.iloc[int(part["loss"].argmin())]
        hits = int((part["name"] == lowest.name).sum())
        claims += [
            fraction(f"runs named by level and geometry, {kind}", f"all of {count}", named, count, 1.0),
            counted(f"loss of the best seed, {kind}", f"{lowest.loss:.4f}: the {lowest.name}-gon", best["loss"],
                    best["name"] == lowest.name),
            fraction(f"seeds that end at the {lowest.name}-gon, {kind}", "some", hits, count, 1 / count),
        ]  # fmt: skip
    return claims


def _paths(points: Sequence[Polygon], setting: Setting) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses of runs that start at small weights, and λ̂ at some of their steps."""
    seeds, steps = setting.pick(200, 60, 6), setting.pick(6000, 6000, 2500)
    shown = np.unique(np.geomspace(5, steps, setting.pick(60, 60, 12)).round().astype(int))
    measured = shown[np.linspace(0.6 * len(shown), len(shown) - 1, setting.pick(12, 6, 2)).astype(int)]
    purpose: streams.Purpose = ["experiments", "k-gons", "small start"]
    start = SMALL_START * streams.normals(setting.seed, purpose, 0, (seeds, 2 * FEATURES)).astype(np.float64)
    model = subject.Model(features=FEATURES, hidden=2, law=subject.OneHot(FEATURES))
    fitted = model.fit(
        seeds=range(setting.seed, setting.seed + seeds), steps=steps, batch=None, learning_rate=0.002, decay="constant",
        record=tuple(shown.tolist()), start=(start.reshape(seeds, 2, FEATURES), np.zeros((seeds, FEATURES))),
        workers=setting.workers, progress=setting.progress,
    )  # fmt: skip
    names = classify(fitted.path_weights, fitted.path_bias, points)
    grid = {"seed": np.tile(np.arange(seeds), len(shown)), "step": np.repeat(shown, seeds)}
    paths = pd.DataFrame({**grid, "loss": fitted.path_loss.ravel(), "name": names.ravel()})
    landscape = OneHotLandscape(FEATURES, scale=SCALE)
    places = np.searchsorted(shown, measured)
    vectors = landscape.vectors(fitted.path_weights[places], fitted.path_bias[places]).reshape(-1, landscape.dimension)
    draws = setting.pick(150, 150, 60)
    plan = Plan(PATH_TEMPERATURE, 1.0, 4, draws, draws // 2, 0.95, setting.seed)
    results = estimates(landscape, vectors, plan, HMC(leapfrog_steps=setting.pick(16, 16, 8)), setting.workers)
    along = pd.DataFrame([_row(result) for result in results])
    along.insert(0, "name", names[places].ravel())
    along.insert(0, "step", np.repeat(measured, seeds))
    along.insert(0, "seed", np.tile(np.arange(seeds), len(measured)))
    return paths, along


def _about_paths(along: pd.DataFrame) -> list[Claim]:
    """λ̂ of the runs that stand at a k-gon at their last step."""
    last = along[(along["step"] == along["step"].max()) & along["value"].notna()]
    claims = []
    for name, claimed in COEFFICIENTS.items():
        values = last.loc[last["name"] == name, "value"]
        if len(values) >= 20:
            error = 1.96 * values.std() / np.sqrt(len(values))
            mean = values.mean()
            claims.append(
                Claim(f"mean λ̂ of {len(values)} runs at {name}", f"{claimed} ± 0.2", mean, mean - error, mean + error,
                      abs(mean - claimed) <= 0.2)
            )  # fmt: skip
    return claims


def _notes(searches: Sequence[tuple[CriticalPoints, float]]) -> tuple[str, ...]:
    notes = [
        "Convention: levels are L without a factor ½; λ and nβ are those of ½L in nats (noise of variance 1).",
        "λ of 4 is 7.5, of 4+ 8.0 and of 3 6.0 at c = 6, exactly, but only inside the plateau where features are off: where a "
        "bias reaches 0 the loss falls, chains leave at γ = 1, nβ = 1e5, and no number is given; γ = 25 keeps them inside.",
        "Before a run has reached a minimum no λ̂ is given: along a path the lower panel is empty where the verdict refuses.",
    ]
    for search, _ in searches:
        below = [p.loss for p in search.points if search.features == FEATURES and p.descending == 1 and p.loss < LEVELS["4++"]]
        if below:
            listed = ", ".join(f"{loss:.5f}" for loss in sorted(below))
            notes.append(f"Runs that rest just above 5 are at a saddle with one way down ({listed}), not at the pentagon.")
        others = [point.loss for point in search.points if point.minimum and not point.name]
        if others:
            listed = ", ".join(f"{loss:.5f}" for loss in others[:6]) + (", …" if len(others) > 6 else "")
            notes.append(f"c = {search.features}: {len(others)} minima are no k-gon (irregular, vertices shared): {listed}.")
    last = searches[-1][0]
    notes.append(
        f"All means: found from {last.starts:,} starts at c = {last.features}, {len(last.points)} classes; another start would "
        f"end at a new one with chance {last.chance_of_a_new_one:.4f}, and about {last.missing:.0f} or more are missing (Chao)."
    )
    return tuple(notes)
