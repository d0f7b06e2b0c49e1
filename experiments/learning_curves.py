"""Learning curves at zero training error: how maps generalise to simple and to complex targets, and the PAC-Bayes bound.

Every learner here fits its training set without a single error, so that what differs is the map's prior alone. The learner is
Bayes: parameters drawn from the map's law until the function agrees with the target on the m training points S (rejection), and
its error is the share of wrong outputs on the 2ⁿ − m other points, averaged over such draws. Four maps on {0,1}⁵:

- network: (5,40,40,1) ReLU under `valle-perez-2018-normal`;
- polynomial: all monomials, so that every function can be fitted, with coefficients of equal variance;
- scrambled: the same network, its truth tables permuted at random. As strong a bias, but for arbitrary functions;
- no bias: all functions equally likely, which is known without drawing: P(S) = 2⁻ᵐ and every unseen point is a coin, ½. The
  same polynomial on {−1,1}⁵ is such a map: its monomials are then the Walsh functions.

Beside them a guess that knows no map: the commoner output of S everywhere. Simple functions of low C_LZ mostly have few ones or
few zeros, and how much of the generalisation is no more than that is to be seen.

Targets are uniform within thirds of the range of C_LZ (the chains of figure_without_floor.py), not drawn from any of the maps;
beside them named functions of the catalogue with between 3/8 and 5/8 of ones (projections, gates, thresholds, multiplexers, …),
where that guess is worth little. Training sets are drawn without replacement. With probability 1 − δ over S,

    −ln(1 − ε) ≤ (ln 1/P(S) + ln(2m/δ)) / (m − 1),   ε = the learner's mean error over all points

(Valle-Pérez, Camargo & Louis 2018; see slt_bias.compare.pac_bayes), with P(S) the share of draws that fit S. A point of a curve
stands where at least 10 draws fitted each of its training sets: leaving the rarely fitted ones out would flatter the map.
Intervals: 1,000 bootstrap samples of targets. On 32 points no training set is large enough for the bound to promise anything, so
that four targets on {0,1}⁷ show it.

Run: .venv/bin/python experiments/learning_curves.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting
from figure_without_floor import uniform_functions

import slt_bias as sb
from slt_bias import streams
from slt_bias.compare.pac_bayes import pac_bayes
from slt_bias.compare.ranks import rank_correlation
from slt_bias.complexity import compute
from slt_bias.estimate import clopper_pearson
from slt_bias.files import replacing
from slt_bias.functions import Functions
from slt_bias.functions.catalogue import reference_functions

NETWORK, POLYNOMIAL, SCRAMBLED, UNBIASED, GUESS = "network", "polynomial", "scrambled", "no bias", "commoner output"
MAPS = (NETWORK, POLYNOMIAL, SCRAMBLED)
BANDS = ("simple", "middle", "complex")
NAMED = "named"
FAMILIES = ("projection", "gate", "majority", "threshold", "multiplexer", "comparison", "interval")
DELTA = 0.05
LEAST_DRAWS = 10
BOOTSTRAP = 1000
CONFIDENCE = 0.95
SEVEN = {"constant 0": "constant", "and of seven": "and", "six ones or more": "threshold:k=6", "x0": "projection"}
BOUND_STYLE: dict[str, Any] = {"color": "0.3", "linestyle": ":", "linewidth": 1.6}


@dataclass(frozen=True)
class Size:
    """What a setting does."""

    inputs: int
    draws: int  # of each map
    targets: int  # of each band
    sets: int  # training sets of each target and size
    sizes: tuple[int, ...]  # m
    large: int  # draws of the network on seven inputs
    steps: int = 4000  # of the chains that choose targets


SIZES = {
    "full": Size(5, 20_000_000, 20, 20, (2, 4, 6, 8, 10, 12, 14, 16, 20, 24), 10_000_000),
    "quick": Size(5, 2_000_000, 8, 6, (2, 4, 8, 12, 16, 24), 1_000_000),
    "smoke": Size(4, 200_000, 5, 4, (2, 4, 6), 50_000, 1500),
}


def specs(inputs: int) -> dict[str, str]:
    """The maps that are drawn."""
    network = f"mlp:hidden=40x40,inputs={inputs},preset=valle-perez-2018-normal"
    return {
        NETWORK: network,
        POLYNOMIAL: f"polynomial:degree={inputs},inputs={inputs}",
        SCRAMBLED: f"scrambled:map=[{network}],key=1",
    }


def targets(size: Size, seed: int) -> pd.DataFrame:
    """Targets of three bands of C_LZ, each a third of the range up to the largest value of random strings, and named ones."""
    top = float(sb.compare.uniform_complexity(2**size.inputs, "lz")[-1])
    edges = np.linspace(0, top, len(BANDS) + 1)
    limits = np.repeat(np.stack([edges[:-1], edges[1:]], axis=1), size.targets, axis=0)
    chosen = uniform_functions(size.inputs, limits, seed, size.steps)
    half = [each for each in reference_functions(size.inputs) if each.family in FAMILIES and balanced(each.table)]
    spread = [half[at] for at in np.linspace(0, len(half) - 1, min(size.targets, len(half))).astype(int)]
    named = sb.functions.parse([each.table for each in spread])
    functions = Functions(np.concatenate([chosen.packed, named.packed]), chosen.points)
    return pd.DataFrame(
        {
            "target": functions.strings(), "name": [""] * len(chosen) + [each.name for each in spread],
            "band": [*np.repeat(BANDS, size.targets), *[NAMED] * len(spread)], "complexity": compute(functions, "lz"),
            "ones": functions.ones(),
        }
    )  # fmt: skip


def balanced(table: str) -> bool:
    """Whether between 3/8 and 5/8 of the outputs are 1."""
    return 3 * len(table) <= 8 * table.count("1") <= 5 * len(table)


def learn(
    name: str, counts: sb.prior.FunctionCounts, asked: pd.DataFrame, sizes: tuple[int, ...], sets: int, seed: int
) -> list[dict[str, Any]]:
    """A row a target and training set: P(S) and the mean error of all draws of the map that fit S."""
    wanted, drawn = words(sb.functions.parse(list(asked["target"]))), words(counts.functions)
    rows = []
    for number, row in enumerate(asked.to_dict("records")):
        wrong = drawn ^ wanted[number]
        for m in sizes:
            for which, chosen in enumerate(training_sets(counts.points, m, sets, seed, number)):
                mask = words(Functions.from_values(chosen))[0]
                fitting = np.logical_and.reduce([column & part == 0 for column, part in zip(wrong.T, mask, strict=True)])
                count = counts.count[fitting]
                errors = np.bitwise_count(wrong[fitting]).sum(axis=1, dtype=np.int64)  # none of them within S
                fitted = int(count.sum())
                error = float(count @ errors) / fitted if fitted else np.nan
                rows.append(result(name, row, number, m, which, counts.points, error, fitted, counts.samples))
    return rows


def bounded(size: Size, seed: int) -> pd.DataFrame:
    """The network on seven inputs, where training sets are large enough for the bound to say something."""
    spec = specs(7)[NETWORK]
    functions = sb.functions.parse(list(SEVEN.values()), 7)
    asked = pd.DataFrame(
        {"target": functions.strings(), "name": list(SEVEN), "band": "seven inputs", "complexity": compute(functions, "lz"),
         "ones": functions.ones()}
    )  # fmt: skip
    counts = sb.prior.sample(spec, size.large, seed=seed)
    rows = learn(NETWORK, counts, asked, (8, 16, 32, 64, 96), size.sets, seed)
    return pd.DataFrame(rows)


def words(functions: Functions) -> np.ndarray:
    """Tables as 64-bit numbers, uint64 (count, ⌈points/64⌉)."""
    padded = np.zeros((len(functions), -(-functions.points // 64) * 8), np.uint8)
    padded[:, : functions.packed.shape[1]] = functions.packed
    return padded.view(np.uint64)


def training_sets(points: int, m: int, sets: int, seed: int, target: int) -> list[np.ndarray]:
    """bool (points,) each: the same for all maps."""
    order = streams.uniforms(seed, ["learning curves", "training set", m], target, (sets, points)).argsort(axis=1)
    return [np.isin(np.arange(points), each[:m]) for each in order]


def result(
    name: str, row: dict[str, Any], target: int, m: int, which: int, points: int, error: float, fitted: int, draws: int
) -> dict[str, Any]:
    """Errors as shares: off S (unseen points) and over all points; the bound is of the latter."""
    low, high = clopper_pearson(fitted, draws, CONFIDENCE)
    bits = sb.Estimate(
        value=np.log2(fitted / draws) if fitted else -np.inf, low=np.log2(low) if low else -np.inf, high=np.log2(high),
        confidence=CONFIDENCE, unit="bits",
    )  # fmt: skip
    bound = pac_bayes(bits, m, DELTA)
    return row | {
        "map": name, "number": target, "m": m, "set": which, "fitted": fitted, "log2_evidence": bits.value,
        "log2_evidence_low": bits.low, "log2_evidence_high": bits.high, "unseen_error": error / (points - m),
        "error": error / points, "bound": bound.value, "bound_low": bound.low, "bound_high": bound.high,
    }  # fmt: skip


def references(size: Size, asked: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """The map without a bias, exactly, and the guess of the commoner output of S, ties half and half."""
    points, rows = 2**size.inputs, []
    for number, row in enumerate(asked.to_dict("records")):
        table = np.array(list(row["target"])) == "1"
        for m in size.sizes:
            for which, chosen in enumerate(training_sets(points, m, size.sets, seed, number)):
                draws = 2**40  # stands for exact: P(S) = 2⁻ᵐ
                rows.append(result(UNBIASED, row, number, m, which, points, (points - m) / 2, draws >> m, draws))
                share, rest = table[chosen].mean(), table[~chosen]
                wrong = rest.sum() if share < 0.5 else (~rest).sum() if share > 0.5 else len(rest) / 2
                guess = result(GUESS, row, number, m, which, points, float(wrong), draws, draws)
                rows.append(guess | {"bound": np.nan, "bound_low": np.nan, "bound_high": np.nan})
    return rows


def curves(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A row a map, band and m: mean unseen error and bound with bootstrap intervals over targets, and the fewest draws."""
    rows = []
    for (name, band, m), part in table.groupby(["map", "band", "m"], sort=False):
        row: dict[str, Any] = {"map": name, "band": band, "m": m, "fewest_draws": int(part["fitted"].min())}
        row["complexity"] = float(part["complexity"].mean())
        row["reached"] = row["fewest_draws"] >= LEAST_DRAWS
        for column in ("unseen_error", "error", "bound_high"):
            each = part.groupby("number")[column].mean().to_numpy()
            row[column], row[f"{column}_low"], row[f"{column}_high"] = mean(each, seed)
        rows.append(row)
    return pd.DataFrame(rows)


def mean(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """(mean, low, high) over targets by bootstrap."""
    chosen = streams.integers(seed, ["learning curves", "bootstrap"], 0, (BOOTSTRAP, len(values)), len(values))
    low, high = np.quantile(values[chosen].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    middle = float(values.mean())
    return middle, float(min(low, middle)), float(max(high, middle))


def compared_at(found: pd.DataFrame, band: str) -> int:
    """The largest m that all maps reach in a band."""
    part = found[(found["band"] == band) & found["map"].isin(MAPS)]
    return int(part.groupby("m")["reached"].all().pipe(lambda all_reached: all_reached[all_reached]).index.max())


def difference(table: pd.DataFrame, first: str, second: str, band: str, m: int, seed: int) -> tuple[float, float, float]:
    """Unseen error of one map less that of another on the same targets and training sets."""
    part = table[(table["band"] == band) & (table["m"] == m)]
    means = part.pivot_table(index="number", columns="map", values="unseen_error")
    return mean((means[first] - means[second]).to_numpy(), seed)


def claims_of(table: pd.DataFrame, found: pd.DataFrame, large: pd.DataFrame, seed: int, smoke: bool) -> list[Claim]:
    """What the seeds and the paper say, and what is known of the controls."""
    claims = []
    m = compared_at(found, "simple")
    pairs = [(SCRAMBLED, NETWORK), (POLYNOMIAL, NETWORK)] if not smoke else [(SCRAMBLED, NETWORK)]
    for worse, better in pairs:
        value, low, high = difference(table, worse, better, "simple", m, seed)
        claims.append(Claim(f"simple targets, m = {m}: error of {worse} less {better}", "> 0", value, low, high, low > 0))
    if not smoke:
        for band in ("simple", NAMED):
            at = compared_at(found, band)
            value, low, high = difference(table, GUESS, NETWORK, band, at, seed)
            claims.append(Claim(f"{band} targets, m = {at}: error of {GUESS} less network", "> 0", value, low, high, low > 0))
        at = compared_at(found, "complex")
        for name in MAPS:
            row = found[(found["map"] == name) & (found["band"] == "complex") & (found["m"] == at)].iloc[0]
            value, low, high = row["unseen_error"], row["unseen_error_low"], row["unseen_error_high"]
            near = abs(value - 0.5) < 0.05
            claims.append(Claim(f"complex targets, m = {at}: error of {name}", "0.5 ± 0.05", value, low, high, bool(near)))
    uniform = table[(table["m"] == m) & table["band"].isin(BANDS)]
    part = uniform[uniform["map"] == NETWORK].groupby("number")[["complexity", "unseen_error"]].mean()
    rank = rank_correlation(part["complexity"].to_numpy(), part["unseen_error"].to_numpy())
    name = f"network, m = {m}: rank correlation of error and K"
    claims.append(Claim(name, "> 0", rank.value, rank.low, rank.high, rank.low > 0))
    part = uniform[uniform["map"] == SCRAMBLED].groupby("number")[["unseen_error"]].mean()
    # a mean of targets that one key treats alike in nothing: ½ at 99.9 %, 1.68 times the 95 % interval
    value, low, high = mean(part["unseen_error"].to_numpy(), seed)
    low, high = value - 1.68 * (value - low), value + 1.68 * (high - value)
    claims.append(Claim(f"scrambled, uniform targets, m = {m}: error", "0.5", value, low, high, low <= 0.5 <= high))
    kept = pd.concat([table[table["map"].isin(MAPS)], large])
    kept = kept[kept["fitted"] > 0]
    broken, tried = int((kept["error"] > kept["bound_high"]).sum()), len(kept)
    low, high = clopper_pearson(broken, tried, CONFIDENCE)
    name = "training sets whose error exceeds the bound"
    claims.append(Claim(name, f"at most δ = {DELTA}", broken / tried, low, high, low <= DELTA))
    return claims


def draw(table: pd.DataFrame, found: pd.DataFrame, large: pd.DataFrame, size: Size) -> Any:
    """Above: unseen error against m for three kinds of targets; below: each target's error against K; the bound at 7 inputs."""
    from matplotlib.lines import Line2D

    from slt_bias import plots
    from slt_bias.plots import styles

    order = (NETWORK, POLYNOMIAL, SCRAMBLED, UNBIASED, GUESS)
    figure = plots.Picture(figsize=(13.4, 8.2), layout="constrained")
    grid = figure.subplots(2, 3)
    points = 2**size.inputs
    for axes, band in zip(grid.flat, ("simple", NAMED, "complex"), strict=False):
        for number, name in enumerate(order):
            part = found[(found["map"] == name) & (found["band"] == band) & found["reached"]]
            spread = [part["unseen_error"] - part["unseen_error_low"], part["unseen_error_high"] - part["unseen_error"]]
            style = styles.line_style(number) | {"elinewidth": 0.8, "markersize": 4.5, "linewidth": 1.2}
            axes.errorbar(part["m"] + 0.12 * (number - 2), part["unseen_error"], yerr=spread, **style)
        where = found[(found["map"] == NETWORK) & (found["band"] == band)]["complexity"].mean()
        words_of = "named, half ones" if band == NAMED else f"{band} targets"
        title = f"{words_of}, mean $C_{{\\mathrm{{LZ}}}}$ = {where:.0f}"
        axes.set(xlabel=f"m, training points of {points}, all fitted", ylabel="error on unseen points", title=title)
        axes.set(xlim=(0, max(size.sizes) + 1), ylim=(0, 0.75))
    last = grid[1, 0]
    m = min(compared_at(found, band) for band in (*BANDS, NAMED))
    for number, name in enumerate(order):
        part = table[(table["map"] == name) & (table["m"] == m)].groupby("number")[["complexity", "unseen_error"]].mean()
        style = styles.line_style(number) | {"linestyle": "none", "markersize": 4.5, "alpha": 0.75}
        last.plot(part["complexity"] + 0.25 * (number - 2), part["unseen_error"], **style)
    last.set(xlabel=styles.complexity_label("lz") + " of the target", ylabel="error on unseen points")
    last.set(title=f"each target, m = {m}", ylim=(0, 0.75))
    bound = grid[1, 1]
    kept = large.groupby("number").filter(lambda part: part["fitted"].max() >= LEAST_DRAWS)
    names = []
    for number, (_, part) in enumerate(kept.groupby("number")):
        each = part.groupby("m").agg({"error": "mean", "bound_high": "mean", "fitted": "min"})
        each = each[each["fitted"] >= LEAST_DRAWS]
        style = styles.line_style(number) | {"markersize": 4.5, "linewidth": 1.2}
        bound.plot(each.index, each["error"], **(style | {"linestyle": "-"}))
        promised = style | BOUND_STYLE | {"color": style["color"], "markerfacecolor": "white"}
        bound.plot(each.index, each["bound_high"], **promised)
        names.append(Line2D([], [], **style | {"linestyle": "-"}, label=f"target {part['name'].iloc[0]}"))
    names += [
        Line2D([], [], color="0.3", label="error"), Line2D([], [], **BOUND_STYLE, label=f"PAC-Bayes bound, δ = {DELTA}"),
    ]  # fmt: skip
    bound.legend(handles=names, fontsize=8, frameon=False, loc="upper right")
    bound.set(xlabel="m, training points of 128, all fitted", ylabel="error over all points", ylim=(0, 1.04))
    bound.set(xlim=(0, 128), title="network on {0,1}⁷ and its bound")
    labels = {
        NETWORK: "network, ReLU", POLYNOMIAL: "polynomial on {0,1}, all monomials", SCRAMBLED: "scrambled network",
        UNBIASED: "no bias: polynomial on {−1,1}, exact", GUESS: "guess: the commoner output of S",
    }  # fmt: skip
    entries = [Line2D([], [], **styles.line_style(number), label=labels[name]) for number, name in enumerate(order)]
    grid[1, 2].set_axis_off()
    title = "whiskers: 95 % over targets"
    grid[1, 2].legend(handles=entries, loc="center", fontsize=9, frameon=False, handlelength=3.2, title=title)
    return figure


def main() -> None:
    """Draw from each map, condition on training sets, keep the tables, draw, print."""
    chosen = setting(__doc__, "learning_curves")
    size = SIZES[chosen.name]
    asked = targets(size, chosen.seed)
    rows = references(size, asked, chosen.seed)
    for name, spec in specs(size.inputs).items():
        rows += learn(name, sb.prior.sample(spec, size.draws, seed=chosen.seed), asked, size.sizes, size.sets, chosen.seed)
    table = pd.DataFrame(rows)
    large = bounded(size, chosen.seed)
    found = curves(table, chosen.seed)
    for name, frame in (("table", table), ("curves", found), ("seven_inputs", large)):
        with replacing(chosen.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    sb.plots.save(draw(table, found, large, size), chosen.out / "figure")
    claims = claims_of(table, found, large, chosen.seed, chosen.name == "smoke")
    report(chosen, "Learning curves at zero training error", claims, maps=specs(size.inputs), draws=size.draws)


if __name__ == "__main__":
    main()
