"""The figure without its floor: P(f) against C_LZ far below one over the number of draws, (7,40,40,1) ReLU on {0,1}⁷.

Counting shows functions down to 1/draws, and a slope read off such a figure is that of the cut-off. Here functions are chosen
first and P of each is then computed by itself, down to about 10⁻⁴⁰ (`sb.prior.probability`): the range of C_LZ, from 0 to the
largest value of 10⁵ random strings, is cut into ten equal parts ("deciles"), and from each come

- 15 functions drawn from P: of 10⁶ draws those that fall in, the more frequent the sooner, each function once. P of them is
  estimated from other draws than those that chose them;
- 15 uniform ones: every truth table within these limits of C_LZ is equally likely. Random strings would practically never be
  that simple, so each is the end of a Markov chain of its own: x' = x ⊕ m, with m one or two masks drawn at random (a point, the
  points before a point, a parity of inputs, a subcube, a comb of equal gaps), or x read backwards, taken where C_LZ(x') lies
  within the limits. Each step undoes itself, so that the invariant law is uniform there (Metropolis et al. 1953); the chain
  starts at a constant and first climbs, or descends, into the limits.

The slope of log₂P on C_LZ is a maximum-likelihood line with normal scatter. Estimates that are `suspect` (below the least P asked
for, a spent budget, or replicates that disagree) enter as what is known, an upper limit or an interval (Tobin 1958). Where the
particles descend from few first draws, splitting has lost a part of the region and its numbers lie too low, the upper limit too:
such a function is counted and drawn apart, and no line leans on it. Those are the rarest, so that leaving them out flattens the
slope. Intervals: 200 bootstrap samples of the functions, group by group.

Run: .venv/bin/python experiments/figure_without_floor.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, Setting, report, setting

import slt_bias as sb
from slt_bias import streams
from slt_bias.complexity import compute
from slt_bias.files import replacing
from slt_bias.functions import Functions

GROUPS = ("drawn from P", "uniform")
LABELS = {GROUPS[0]: "functions drawn from P", GROUPS[1]: "functions uniform within a part of $C_{\\mathrm{LZ}}$"}
CHOOSING = 1000  # added to the seed, so that the draws that choose functions are none of those that measure them
LEAST_SCATTER = 0.5  # bits, of functions about their line


@dataclass(frozen=True)
class Size:
    """What a setting does: the map, how many functions, how well their P is found."""

    map: str
    draws: int  # that the figure with its floor would rest on
    levels: int
    each: int  # functions of each group at each level
    least: float  # log₂P below which splitting ends with an upper limit
    relative_error: float
    budget: int | None  # evaluations a function
    steps: int  # of each Markov chain
    bootstrap: int = 200  # samples


SIZES = {
    "full": Size("mlp:hidden=40x40,inputs=7,preset=valle-perez-2018-normal", 10**6, 10, 15, -140.0, 0.3, None, 10_000),
    "quick": Size("mlp:hidden=20x20,inputs=4,preset=valle-perez-2018-normal", 10**5, 6, 4, -70.0, 0.5, 8_000_000, 4000),
    "smoke": Size("mlp:hidden=10x10,inputs=4,preset=valle-perez-2018-normal", 10**5, 4, 1, -40.0, 0.5, 1_200_000, 1000, 20),
}


def masks(inputs: int) -> list[np.ndarray]:
    """Families of masks, each bool (masks, points): points, beginnings, parities, subcubes, combs."""
    points = 2**inputs
    bits = (np.arange(points)[:, None] >> np.arange(inputs)) & 1
    chosen = (np.arange(points)[:, None] >> np.arange(inputs)) & 1
    ternary = np.arange(3**inputs)[:, None] // 3 ** np.arange(inputs) % 3  # 2: the input is free
    subcubes = ((ternary[:, None, :] == 2) | (ternary[:, None, :] == bits[None])).all(axis=2)
    gaps = [(gap, start) for gap in range(2, points // 2 + 1) for start in range(gap)]
    combs = np.array([np.arange(points) % gap == start for gap, start in gaps])
    beginnings = np.tri(points, dtype=bool)  # the last is the whole table: a complement
    return [np.eye(points, dtype=bool), beginnings, chosen @ bits.T % 2 == 1, subcubes, combs]


def uniform_functions(inputs: int, limits: np.ndarray, seed: int, steps: int) -> Functions:
    """One function for each row (low, high) of `limits`, uniform among those with low < C_LZ ≤ high: see above."""
    families = [np.packbits(family, axis=1) for family in masks(inputs)]
    library, start = np.concatenate(families), np.cumsum([0, *map(len, families)])
    count, points = len(limits), 2**inputs
    state = np.zeros((count, library.shape[1]), np.uint8)

    def distance(packed: np.ndarray) -> np.ndarray:
        k = compute(Functions(packed, points), "lz")
        return np.maximum(limits[:, 0] + 1e-6 - k, 0) + np.maximum(k - limits[:, 1], 0)

    now = distance(state)
    for step in range(steps):
        u = streams.uniforms(seed, ["figure without floor", "chain"], step, (6, count))
        family = (u[0:2] * len(families)).astype(int)
        chosen = start[family] + (u[2:4] * np.diff(start)[family]).astype(int)
        proposed = state ^ library[chosen[0]]
        twice, backwards = u[4] < 0.5, u[5] < 0.1
        proposed[twice] ^= library[chosen[1, twice]]
        proposed[backwards] = np.packbits(np.unpackbits(state[backwards], axis=1, count=points)[:, ::-1], axis=1)
        then = distance(proposed)
        taken = then <= now  # 0 to 0 within the limits; not further away before
        state[taken], now[taken] = proposed[taken], then[taken]
    if (now > 0).any():
        raise RuntimeError(f"{int((now > 0).sum())} of {count} chains did not reach their limits of C_LZ.")
    return Functions(state, points)


def drawn_functions(counts: sb.prior.FunctionCounts, limits: np.ndarray, each: int, seed: int) -> list[np.ndarray]:
    """Rows of `counts` for each (low, high): `each` draws of P restricted to it, without taking a function twice."""
    k = compute(counts.functions, "lz")
    keys = np.log(streams.uniforms(seed, ["figure without floor", "choice"], 0, (len(k),))) / counts.count
    rows = []
    for low, high in limits:  # the largest keys: Efraimidis & Spirakis 2006
        inside = np.flatnonzero((k > low) & (k <= high))
        rows.append(inside[np.argsort(-keys[inside])][:each])
    return rows


def measure(size: Size, counts: sb.prior.FunctionCounts, seed: int) -> pd.DataFrame:
    """A row a function: group, level, complexity, log₂P with its interval, status."""
    inputs = int(np.log2(counts.points))
    top = float(sb.compare.uniform_complexity(counts.points, "lz")[-1])
    edges = np.linspace(0, top, size.levels + 1)
    limits = np.stack([edges[:-1], edges[1:]], axis=1)
    # the lowest parts may hold no function at all where there are few points
    levels = [at for at, (_, high) in enumerate(limits) if high >= np.log2(counts.points)]
    drawn = drawn_functions(counts, limits[levels], size.each, seed)
    uniform = uniform_functions(inputs, np.repeat(limits[levels], size.each, axis=0), seed, size.steps)
    packed = np.concatenate([*(counts.functions.packed[rows] for rows in drawn), uniform.packed])
    functions = Functions(packed, counts.points)
    frame = pd.DataFrame(
        {
            "group": [GROUPS[0]] * sum(map(len, drawn)) + [GROUPS[1]] * len(uniform),
            "level": [at for at, rows in zip(levels, drawn, strict=True) for _ in rows] + list(np.repeat(levels, size.each)),
            "function": functions.strings(),
            "complexity": compute(functions, "lz"),
        }
    )
    began = time.perf_counter()
    found = sb.prior.probabilities(
        counts.spec, functions, seed=seed, relative_error=size.relative_error, least_log2_probability=size.least,
        budget_evaluations=size.budget, workers=None if size.budget is None else 1, progress=sys.stderr.isatty(),
    )  # fmt: skip
    print(f"{len(functions)} functions: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    for name in ("value", "low", "high", "status", "method", "evaluations"):
        frame["log2_probability" if name == "value" else name] = [getattr(each, name) for each in found]
    frame["reasons"] = [" ".join(each.reasons) for each in found]
    # a verdict of splitting has no name but its text
    frame["collapsed"] = frame["reasons"].str.contains("descend from")
    return frame


def line(frame: pd.DataFrame, shifted: bool = False, start: np.ndarray | None = None) -> np.ndarray:
    """(slope, offset, log of the scatter) of log₂P = −slope·C_LZ − offset, by maximum likelihood with censored values.

    shifted : the uniform functions have an offset of their own, and the result is (slope, offset, shift, log of the scatter).
    """
    from scipy.optimize import minimize
    from scipy.special import ndtr

    value, low, high = (frame[name].to_numpy() for name in ("log2_probability", "low", "high"))
    columns = [frame["complexity"].to_numpy(), np.ones(len(frame))]
    design = -np.stack([*columns, (frame["group"] == GROUPS[1]).to_numpy(float)] if shifted else columns, axis=1)
    exact = (frame["status"] == "ok").to_numpy()

    def loss(parameters: np.ndarray) -> float:
        mean, scatter = design @ parameters[:-1], np.exp(parameters[-1])
        squares = (((value[exact] - mean[exact]) / scatter) ** 2).sum() / 2
        share = ndtr((high[~exact] - mean[~exact]) / scatter) - ndtr((low[~exact] - mean[~exact]) / scatter)
        return squares + exact.sum() * parameters[-1] - np.log(np.maximum(share, 1e-300)).sum()

    if start is None:
        seen = np.where(exact, value, high)
        first = np.linalg.lstsq(design, seen, rcond=None)[0]
        start = np.append(first, np.log(np.std(seen - design @ first) + 1))
    limits = [(None, None)] * design.shape[1] + [(np.log(LEAST_SCATTER), None)]
    return minimize(loss, start, method="L-BFGS-B", bounds=limits).x


def fits(frame: pd.DataFrame, seed: int, samples: int) -> dict[str, np.ndarray]:
    """Slope and offset of each group and of both together: first row the fit, then one row a bootstrap sample.

    `below`: by how many bits the uniform functions lie below those drawn from P, where both have one slope.
    """
    groups = {name: frame[frame["group"] == name] for name in GROUPS}
    kinds = [(name, (name,), False) for name in groups] + [("both", GROUPS, False), ("below", GROUPS, True)]
    first = {name: line(pd.concat([groups[group] for group in of]), shifted) for name, of, shifted in kinds}
    rows: dict[str, list[np.ndarray]] = {name: [at] for name, at in first.items()}
    for sample in range(samples):
        parts = {}
        for name, part in groups.items():
            places = streams.integers(seed, ["figure without floor", "bootstrap", name], sample, (len(part),), len(part))
            parts[name] = part.iloc[places]
        for name, of, shifted in kinds:
            rows[name].append(line(pd.concat([parts[group] for group in of]), shifted, first[name]))
    found = {name: np.array(each) for name, each in rows.items()}
    found["below"] = found["below"][:, 2:3]
    return found


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """(value, low, high): the first row and the middle 95 % of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return float(values[0]), float(min(low, values[0])), float(max(high, values[0]))


def claims_of(frame: pd.DataFrame, found: dict[str, np.ndarray], bounds: list[Any], draws: int, smoke: bool) -> list[Claim]:
    """What is expected of the true slope, of uniform functions and of the reach."""
    a_priori, envelope = bounds
    claims = []
    for name in ("both", *(() if smoke else GROUPS)):
        value, low, high = interval(found[name][:, 0])
        text = f"steeper than the envelope's {envelope.slope:.3f}"
        claims.append(Claim(f"slope of −log₂P on C_LZ, {name} (bits a unit)", text, value, low, high, low > envelope.slope))
    if not smoke:
        for name in GROUPS:
            value, low, high = interval(found[name][:, 0] / a_priori.slope)
            text = f"1: a priori {a_priori.slope:.3f}"
            claims.append(Claim(f"slope over the a priori one, {name}", text, value, low, high, low <= 1 <= high))
        value, low, high = interval(found["below"][:, 0])
        claims.append(Claim("uniform functions below those drawn from P (bits)", "> 0", value, low, high, low > 0))
    resolved = frame[frame["status"] == "ok"]
    rarest = resolved.loc[resolved["log2_probability"].idxmin()]
    value, low, high = (float(rarest[name]) * np.log10(2) for name in ("log2_probability", "low", "high"))
    floor = -np.log10(draws)
    claims.append(Claim("least log₁₀P with an interval", f"below 1/draws: {floor:.0f}", value, low, high, high < floor))
    return claims


def draw(frame: pd.DataFrame, found: dict[str, np.ndarray], bounds: list[Any], draws: int, title: str) -> Any:
    """log₁₀P against C_LZ: a marker a group, whiskers for intervals, arrows for upper limits; four lines."""
    from matplotlib.lines import Line2D

    from slt_bias import plots
    from slt_bias.plots import styles

    decade = np.log10(2)
    figure = plots.Picture(figsize=(7.4, 6.0), layout="constrained")
    axes = figure.subplots()
    entries = []
    markers: dict[str, dict[str, Any]] = {
        GROUPS[0]: {"marker": "o", "color": styles.COLOURS[0], "markerfacecolor": styles.COLOURS[0]},
        GROUPS[1]: {"marker": "s", "color": styles.COLOURS[1], "markerfacecolor": "white"},
    }
    for group, part in frame.groupby("group", sort=False):
        style = markers[str(group)] | {"markersize": 4.5, "linestyle": "none"}
        entries.append(Line2D([], [], **style, label=LABELS[str(group)]))
        for row in part.itertuples():
            if row.status == "ok":
                across, middle = [row.complexity], [row.log2_probability * decade]
                spread = [[(row.log2_probability - row.low) * decade], [(row.high - row.log2_probability) * decade]]
                axes.errorbar(across, middle, yerr=spread, elinewidth=0.9, zorder=3, **style)
                continue
            if row.collapsed:
                axes.plot([row.complexity], [row.high * decade], **(style | {"marker": "x", "markersize": 5.5}), zorder=3)
                continue
            axes.annotate(
                "", (row.complexity, row.high * decade - 1.0), (row.complexity, row.high * decade),
                arrowprops={"arrowstyle": "->", "color": style["color"], "lw": 1.1}, zorder=3,
            )  # fmt: skip
            axes.plot([row.complexity], [row.high * decade], zorder=3, **(style | {"markersize": 3.2}))
    right = 1.03 * float(frame["complexity"].max())
    k = np.linspace(0.0, right, 401)
    slope, offset = found["both"][0, :2]
    flat = bounds[1].slope
    lines = (
        (*styles.bound_points(bounds[0], right), "-", styles.BOUND_COLOUR, f"a priori bound, slope {bounds[0].slope:.2f}"),
        (*styles.bound_points(bounds[1], right), "--", styles.BOUND_COLOUR, f"envelope of {draws:,} draws, {flat:.2f}"),
        (k, np.minimum(-slope * k - offset, 0.0), "-.", "black", f"line through all functions here, {slope:.2f}"),
    )
    for x, y, dash, colour, label in lines:
        axes.plot(x, y * decade, linestyle=dash, color=colour, linewidth=1.3, zorder=2)
        entries.append(Line2D([], [], linestyle=dash, color=colour, label=label + " bits a unit"))
    axes.axhline(-np.log10(draws), **styles.FLOOR_STYLE, zorder=1)
    entries.append(Line2D([], [], **styles.FLOOR_STYLE, label=f"one of {draws:,} draws: what counting can show"))
    if frame["collapsed"].any():
        text = "splitting collapsed: a number too low"
        entries.append(Line2D([], [], color="0.3", marker="x", markersize=5.5, linestyle="none", label=text))
    if ((frame["status"] != "ok") & ~frame["collapsed"]).any():
        entries.append(Line2D([], [], color="0.3", marker="$\\downarrow$", markersize=8, linestyle="none", label="upper limit"))
    seen = np.where(frame["status"] == "ok", np.maximum(frame["low"], frame["log2_probability"] - 10), frame["high"])
    axes.set(
        xlim=(0, right), ylim=(float(np.min(seen)) * decade - 2.0, 1.0), xlabel=styles.complexity_label("lz"),
        ylabel="log₁₀ P(f)", title=title,
    )  # fmt: skip
    figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=8, frameon=False, handlelength=3.2)
    return figure


def run(chosen: Setting) -> None:
    """Choose functions, find P of each, fit, keep the table, draw, print."""
    size = SIZES[chosen.name]
    network = sb.maps.parse(size.map)
    counts = sb.prior.sample(network, size.draws, seed=chosen.seed + CHOOSING)
    table = sb.compare.prior_versus_complexity(counts)
    bounds = [sb.compare.coding_bound(table), sb.compare.coding_bound(table, kind="envelope")]
    frame = measure(size, counts, chosen.seed)
    found = fits(frame[~frame["collapsed"]], chosen.seed, size.bootstrap)
    with replacing(chosen.out / "table.csv") as path:
        frame.to_csv(path, index=False)
    widths = ",".join(map(str, network.network.widths))
    title = f"P(f) without the floor of counting: ({widths}) ReLU"
    sb.plots.save(draw(frame, found, bounds, size.draws, title), chosen.out / "figure")
    methods = {f"{name}, {status}": int(n) for (name, status), n in frame.groupby(["method", "status"]).size().items()}
    report(
        chosen, title, claims_of(frame, found, bounds, size.draws, chosen.name == "smoke"), functions=len(frame),
        methods=methods, collapsed=int(frame["collapsed"].sum()), raw_slope=sb.compare.raw_slope(table),
    )  # fmt: skip


if __name__ == "__main__":
    run(setting(__doc__, "figure_without_floor"))
