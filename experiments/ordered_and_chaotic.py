"""From order to chaos: the simplicity bias of tanh networks as the standard deviation σ_w of their weights grows.

Mingard, Rees, Valle-Pérez & Louis 2025 (Nat. Commun. 16, 220) vary the prior of fully connected tanh networks by moving between
the ordered and the chaotic regime: in the ordered one signals of different inputs converge from layer to layer, and the prior
prefers simple functions; deep in the chaotic one they part, and the preference weakens towards that of random strings. The
transition of infinitely wide networks lies where χ = σ_w² E[φ'(√q z)²] = 1 at the fixed point q = σ_w² E[φ(√q z)²] + σ_b²
(Poole et al. 2016; Schoenholz et al. 2017).

Here: (7,40,40,1) and ten hidden layers of 40 on {0,1}⁷, weights of standard deviation σ_w/√fan_in, biases of σ_b = 0.2 (our
choice). Of drawn functions: C_LZ, and how often a constant comes up. What draws cannot show, P of functions chosen before, is
found by splitting (`sb.prior.probability`), on fewer inputs: of x0, of the majority, of x0 xor x1 and of two random truth tables.
Where simplicity is no longer preferred, log₂P of all of them comes near to −2ⁿ. That the bias is lost is said of deep networks;
of two hidden layers no more is claimed than that it gets weaker.

Run: .venv/bin/python experiments/ordered_and_chaotic.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

import slt_bias as sb
from slt_bias.complexity import compute
from slt_bias.estimate import clopper_pearson
from slt_bias.files import replacing

BIAS_STD = 0.2
SHALLOW, DEEP = "2 hidden layers", "10 hidden layers"
DEPTHS = {SHALLOW: 2, DEEP: 10}
SIMPLE = {"x0": "projection", "majority": "majority", "x0 xor x1": "parity:bits=2"}
RANDOM = {"random table 1": "random:seed=1", "random table 2": "random:seed=2"}
ORDERED, CHAOTIC = 1.0, 5.0  # of those below, what the claims compare
CONFIDENCE = 0.95
NO_LIMIT = 1000.0  # bits


@dataclass(frozen=True)
class Size:
    """What a setting does."""

    draws: int
    scales: tuple[float, ...]  # σ_w of drawn functions
    inputs: int  # of chosen functions
    width: int  # of networks for chosen functions
    depths: tuple[str, ...]
    chosen: tuple[str, ...]
    chosen_scales: tuple[float, ...]
    budget: int  # evaluations a function
    least: float  # log₂P below which splitting ends with an upper limit
    distributions: tuple[str, ...] = (SHALLOW, DEEP)


ALL = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
NAMES = {**SIMPLE, **RANDOM}
SIZES = {
    "full": Size(200_000, ALL, 5, 40, (SHALLOW, DEEP), tuple(NAMES), ALL, 40_000_000, -100.0),
    "quick": Size(16_384, ALL, 4, 20, (SHALLOW,), tuple(NAMES), (1.0, 2.0, 5.0), 12_000_000, -60.0),
    "smoke": Size(4096, (ORDERED, CHAOTIC), 3, 10, (SHALLOW,), ("x0", "random table 1"), (ORDERED, CHAOTIC), 1_000_000, -40.0),
}


def spec(depth: str, scale: float, inputs: int = 7, width: int = 40) -> str:
    """The network."""
    hidden = "x".join([str(width)] * DEPTHS[depth])
    return f"mlp:hidden={hidden},activation=tanh,inputs={inputs},weight_std={scale:g},bias_std={BIAS_STD:g}"


def transition(bias_std: float = BIAS_STD) -> float:
    """σ_w at which χ = 1, by bisection; expectations by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    weights = weights / weights.sum()

    def slope(scale: float) -> float:
        q = 1.0
        for _ in range(2000):
            q = scale**2 * float(weights @ np.tanh(math.sqrt(q) * nodes) ** 2) + bias_std**2
        return scale**2 * float(weights @ np.cosh(math.sqrt(q) * nodes) ** -4.0)

    low, high = 0.5, 5.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 1 else (low, middle)
    return (low + high) / 2


def distribution(depth: str, scale: float, draws: int, seed: int) -> dict[str, Any]:
    """C_LZ of drawn functions and P of the constants."""
    counts = sb.prior.sample(spec(depth, scale), draws, seed=seed)
    k, share = compute(counts.functions, "lz"), counts.count / counts.samples
    mean = float(share @ k)
    half = 1.96 * math.sqrt(max(0.0, float(share @ k**2) - mean**2) / counts.samples)
    order = np.argsort(k)
    below = np.cumsum(share[order])
    tenths = {f"quantile_{level:g}": float(k[order][np.searchsorted(below, level)]) for level in (0.1, 0.5, 0.9)}
    constant = counts.of("constant:value=0") + counts.of("constant:value=1")
    low, high = clopper_pearson(constant, counts.samples, CONFIDENCE)
    return {
        "depth": depth, "scale": scale, "draws": counts.samples, "distinct": counts.distinct, "mean_complexity": mean,
        "mean_complexity_low": mean - half, "mean_complexity_high": mean + half, **tenths,
        "constant": constant / counts.samples, "constant_low": low, "constant_high": high,
    }  # fmt: skip


def chosen_functions(size: Size, seed: int) -> pd.DataFrame:
    """A row a network and chosen function: log₂P with its interval."""
    rows = []
    for depth in size.depths:
        for scale in size.chosen_scales:
            map = sb.maps.parse(spec(depth, scale, size.inputs, size.width))
            functions = sb.functions.parse([NAMES[name] for name in size.chosen], map.inputs)
            began = time.perf_counter()
            found = sb.prior.probabilities(
                map, functions, seed=seed, relative_error=0.5, budget_evaluations=size.budget, least_log2_probability=size.least
            )
            print(f"{depth}, σ_w = {scale:g}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            for name, k, each in zip(size.chosen, compute(functions, "lz"), found, strict=True):
                rows.append(
                    {
                        "depth": depth, "scale": scale, "function": name, "complexity": k, "log2_probability": each.value,
                        "low": each.low, "high": each.high, "status": each.status, "method": each.method,
                        "evaluations": each.evaluations, "reasons": " ".join(each.reasons),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def preference(chosen: pd.DataFrame, depth: str, scale: float) -> tuple[float, float, float]:
    """log₂P of x0 less that of the random tables in bits; where only an upper limit of those is known, at least that.

    NO_LIMIT stands for an upper limit that is not known.
    """
    rows = chosen[(chosen["depth"] == depth) & (chosen["scale"] == scale)].set_index("function")
    simple, tables = rows.loc["x0"], rows.loc[[name for name in RANDOM if name in rows.index]]
    values = np.where(np.isfinite(tables["log2_probability"]), tables["log2_probability"], tables["high"])
    value = float(simple["log2_probability"] - values.mean())
    low = float(simple["low"] - tables["high"].max())
    high = float(simple["high"] - tables["low"].min())
    return value, min(low, value), min(max(high, value), NO_LIMIT)


def claims_of(drawn: pd.DataFrame, chosen: pd.DataFrame, size: Size) -> list[Claim]:
    """What the paper says in general: bias in the ordered regime, weaker and weaker in the chaotic one."""
    random = float(np.mean(sb.compare.uniform_complexity(128, "lz")))
    claims, start = [], math.nan
    for depth in size.distributions:
        part = drawn[drawn["depth"] == depth].set_index("scale")
        for scale in (ORDERED, CHAOTIC):
            value, low, high = (float(part.loc[scale, f"mean_complexity{end}"]) for end in ("", "_low", "_high"))
            if scale == ORDERED:
                text, holds = f"simple: below half of random, {random:.0f}", high < 0.5 * random
                start = high
            elif depth == DEEP:
                text, holds = f"bias lost: within 10 % of random, {random:.0f}", low > 0.9 * random
            else:
                text, holds = f"weaker bias: above {start:.1f}", low > start
            claims.append(Claim(f"{depth}, σ_w = {scale:g}: mean C_LZ", text, value, low, high, bool(holds)))
        first, last = part.loc[ORDERED], part.loc[CHAOTIC]
        value = float(last["constant"])
        text = f"falls from {first['constant']:.3f}"
        holds = last["constant_high"] < first["constant_low"]
        name = f"{depth}, σ_w = {CHAOTIC:g}: P(constant)"
        claims.append(Claim(name, text, value, float(last["constant_low"]), float(last["constant_high"]), bool(holds)))
    for depth in size.depths:
        before = preference(chosen, depth, ORDERED)
        after = preference(chosen, depth, CHAOTIC)
        name = f"{depth}, {size.inputs} inputs: log₂P of x0 less random"
        claims.append(Claim(f"{name}, σ_w = {ORDERED:g}", "> 0 bits", *before, before[1] > 0))
        claims.append(Claim(f"{name}, σ_w = {CHAOTIC:g}", f"below {before[0]:.1f}", *after, after[2] < before[1]))
    return claims


def draw(drawn: pd.DataFrame, chosen: pd.DataFrame, size: Size) -> Any:
    """C_LZ of drawn functions, P of the constants, and log₂P of chosen functions, against σ_w."""
    from slt_bias import plots
    from slt_bias.plots import styles

    boundary = transition()
    panels = 2 + len(size.depths)
    figure = plots.Picture(figsize=(4.3 * panels, 5.2), layout="constrained")
    first, second, *others = figure.subplots(1, panels)
    for number, depth in enumerate(size.distributions):
        part = drawn[drawn["depth"] == depth]
        style = styles.line_style(number) | {"markersize": 4.5, "linewidth": 1.3}
        spread = [part["mean_complexity"] - part["mean_complexity_low"], part["mean_complexity_high"] - part["mean_complexity"]]
        first.errorbar(part["scale"], part["mean_complexity"], yerr=spread, label=f"{depth}: mean of draws", **style)
        first.fill_between(
            part["scale"], part["quantile_0.1"], part["quantile_0.9"], color=style["color"], alpha=0.15, linewidth=0,
            hatch=("//", "\\\\")[number], label=f"{depth}: 10 % to 90 % of draws",
        )  # fmt: skip
        shown = part["constant"].where(part["constant"] > 0)
        spread = [part["constant"] - part["constant_low"], part["constant_high"] - part["constant"]]
        second.errorbar(part["scale"], shown, yerr=spread, label=depth, **style)
        for row in part[part["constant"] == 0].itertuples():
            _limit(second, row.scale, row.constant_high, row.constant_high / 2, style)
    random = float(np.mean(sb.compare.uniform_complexity(128, "lz")))
    first.axhline(random, color="0.35", linestyle=":", label="mean of random truth tables")
    first.set(ylabel=styles.complexity_label("lz"), ylim=(0, 1.12 * random), title="drawn functions, {0,1}⁷")
    second.set(yscale="log", ylabel="P(constant 0 or 1)", title="constants among the draws, {0,1}⁷")
    for axes, depth in zip(others, size.depths, strict=True):
        part = chosen[chosen["depth"] == depth]
        for number, name in enumerate(size.chosen):
            rows = part[part["function"] == name]
            style = styles.line_style(number) | {"markersize": 4.5, "linewidth": 1.3}
            known = np.isfinite(rows["log2_probability"]) & np.isfinite(rows["low"])
            middle = rows["log2_probability"].where(known)
            spread = [(middle - rows["low"]).where(known), rows["high"] - middle]
            label = f"{name}  ($C_{{\\mathrm{{LZ}}}}$ = {rows['complexity'].iloc[0]:.3g})"
            axes.errorbar(rows["scale"], middle, yerr=spread, label=label, **style)
            for row in rows[~known].itertuples():
                _limit(axes, row.scale, row.high, row.high - 3, style)
        axes.axhline(-(2.0**size.inputs), color="0.35", linestyle=":", label="all functions alike")
        title = f"chosen functions, ({size.inputs},{','.join([str(size.width)] * 2)},1)"
        title = title if depth == SHALLOW else f"chosen functions, {size.inputs} inputs, ten layers of {size.width}"
        axes.set(ylabel=styles.LOG2_PROBABILITY, title=title)
    label = f"order | chaos, $\\sigma_w$ = {boundary:.2f}"
    for axes in (first, second, *others):
        axes.axvline(boundary, color="0.35", linestyle=(0, (6, 3)), linewidth=1.0, label=label)
        axes.set_xlabel("$\\sigma_w$ = standard deviation of weights × √fan_in")
        axes.set_xlim(0, 1.04 * max(size.scales))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=8, frameon=False, handlelength=3.2)
    return figure


def _limit(axes: Any, across: float, top: float, bottom: float, style: dict[str, Any]) -> None:
    """An upper limit: a marker with an arrow down."""
    axes.plot([across], [top], **(style | {"linestyle": "none", "markerfacecolor": "white"}))
    axes.annotate("", (across, bottom), (across, top), arrowprops={"arrowstyle": "->", "color": style["color"], "lw": 1.1})


def main() -> None:
    """Draw at each σ_w, find P of the chosen functions, keep the tables, draw, print."""
    given = setting(__doc__, "ordered_and_chaotic")
    size = SIZES[given.name]
    drawn = pd.DataFrame(
        [distribution(depth, scale, size.draws, given.seed) for depth in size.distributions for scale in size.scales]
    )
    chosen = chosen_functions(size, given.seed)
    for name, frame in (("drawn", drawn), ("chosen", chosen)):
        with replacing(given.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    sb.plots.save(draw(drawn, chosen, size), given.out / "figure")
    title = "Order and chaos: tanh networks after Mingard et al. 2025"
    report(given, title, claims_of(drawn, chosen, size), transition=transition(), bias_std=BIAS_STD)


if __name__ == "__main__":
    main()
