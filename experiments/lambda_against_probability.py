"""λ against −log P: do learning coefficients rank the probabilities of functions?

The claim (jake_mendel, LessWrong): walking into the parameters of f by halving takes about λ_f · log₂(1/ε) + c bits, "for some
constant that is independent of f". Tested in the one way in which both sides exist: for each f the loss
½·mean (z − y)², y = ±1, under the same law as P; the curve −log₂V_f(ε) = −log₂P(loss ≤ ε) by splitting; its slope at small ε
(λ̂), its offset there, with ε in units of ½, the loss of an output of 0; and −log₂P(f) by `sb.prior.probability`. The claim
holds if the slope ranks the functions and the offset does not.

n = 4: one representative of each NPN class (all 222 in the full setting; P is the same on a class, as the inputs are ±1 and the
law is symmetric), one hidden layer of 10 ReLUs: 61 parameters for 16 points, so narrow that V(2⁻¹⁴), some 2⁻¹⁵⁰, can be
reached, and wide enough for each of the 15 of `--quick`. n = 7 (full setting only): 50 functions of the
catalogue, 40 ReLUs, ε down to 2⁻⁹.
λ has a ceiling: ½·rank of the Jacobian of the outputs, at most points/2, is its value where the zero set is smooth; the table
has the least ½ rank over the last particles. (Where λ̂ lies below, as for the constants, the particles sit around a singular
part, such as all output weights 0.) The footnote's λ is that of the most singular point, as ε → 0: where all units are dead,
a constant has λ = ½; but so little of the prior lies there that it would show only at far smaller ε than where V is P, and no
particle finds it. What is tested is the part of the curve that a volume as large as P can know of. The runs descend from few
first draws, as particles mix slowly in the thin sets of small loss: most are `suspect`, and each slope has an interval over
independent replicates. At n = 7 some curves end at V = 2⁻⁸⁰⁰, far above the losses asked for, because every particle was lost
to parts where the loss has a floor: those functions are left out of the correlations and counted.
Intervals of rank correlations are percentiles of a bootstrap over functions.

Run: .venv/bin/python experiments/lambda_against_probability.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import functions, maps, plots, prior, streams
from slt_bias.files import replacing
from slt_bias.functions import symmetry
from slt_bias.functions.catalogue import reference_functions
from slt_bias.functions.tables import Functions
from slt_bias.prior.loss_curve import LossCurve, loss_curve
from slt_bias.prior.sampling import available_cores

BOOTSTRAP = 2000
RANKED_WELL = 0.9  # a rank correlation above this is called ranking
DEPTHS = 97  # losses at which curves are kept


@dataclass(frozen=True)
class Part:
    """One size: the map, every how many-th of its functions, and the losses: the slope's range, in −log₂ ε."""

    title: str
    spec: str
    every: dict[str, int]
    range: tuple[float, float]
    particles: dict[str, int]
    floor: float  # least log₂V


SMALL = Part(
    "n = 4, classes, 10 ReLUs", "mlp:hidden=10,inputs=4,values=pm1,preset=valle-perez-2018-normal",
    {"full": 1, "quick": 15, "smoke": 111}, (9.0, 14.0), {"full": 1000, "quick": 500, "smoke": 100}, -400.0,
)  # fmt: skip
LARGE = Part(
    "n = 7, catalogue, 40 ReLUs", "mlp:hidden=40,inputs=7,preset=valle-perez-2018-normal",
    {"full": 3}, (6.0, 9.0), {"full": 500}, -800.0,
)  # fmt: skip
PARTS = {"full": (SMALL, LARGE), "quick": (SMALL,), "smoke": (SMALL,)}


def chosen_functions(part: Part, chosen: str) -> tuple[list[str], Functions]:
    """Names and tables, picked by their place in a list made before anything is measured."""
    if part is SMALL:
        tables = symmetry.classes(4, symmetry.NPN)[0]
        rows = np.arange(0, len(tables), part.every[chosen])
        taken = Functions(tables.packed[rows], tables.points)
        return taken.strings(), taken
    references = reference_functions(7)[:: part.every[chosen]][:50]
    return [each.name for each in references], functions.parse([each.table for each in references])


def half_rank(map: Any, curve: LossCurve) -> float:
    """½·the least rank of the Jacobian of the outputs at the last particles, in double precision."""
    import torch

    particles = curve.splitting.particles
    rows = torch.from_numpy(particles[:: max(1, len(particles) // 64)])

    def outputs(latents: torch.Tensor) -> torch.Tensor:
        return map.outputs(map.parameters(latents[None]))[0]

    jacobians = torch.func.vmap(torch.func.jacrev(outputs))(rows)
    return 0.5 * float(torch.linalg.matrix_rank(jacobians, rtol=1e-8).min())


def measure(part: Part, name: str, function: Functions, chosen: str, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """One function: a row of the table, and its curve −log₂V at the depths."""
    began = time.perf_counter()
    map = maps.parse(part.spec)
    shallow, deep = part.range
    curve = loss_curve(
        map, function, least_loss=2.0**-deep, particles=part.particles[chosen], moves=10, seed=seed,
        least_log2_probability=part.floor,
    )  # fmt: skip
    inner = (2.0**-deep * (1 + 1e-9), 2.0**-shallow)
    slope = curve.slope(*inner)
    p = prior.probability(map, function, seed=seed, workers=1, relative_error=0.2)
    safe = 1 / (2 * function.points)  # a loss up to here leaves all signs right
    depths = np.linspace(0.0, deep, DEPTHS)
    losses = 2.0**-depths * (1 + 1e-9)
    fixed = curve.log2_volume(np.array([safe]))[0]
    spread = float(curve.replicates(np.array([safe])).std(ddof=1))
    row = {
        "part": part.title, "function": name, "bits": -p.value, "bits_low": -p.high, "bits_high": -p.low, "method": p.method,
        "slope": slope.value, "slope_low": slope.low, "slope_high": slope.high, "status": slope.status,
        "offset": curve.offset(*inner) if slope.status != "failed" else np.nan, "fixed": -fixed, "fixed_spread": spread,
        "half_rank": half_rank(map, curve), "effective_ancestors": min(r.effective_ancestors for r in curve.splitting.replicates),
        "evaluations": curve.splitting.evaluations + p.evaluations, "seconds": time.perf_counter() - began,
    }  # fmt: skip
    return row, -curve.log2_volume(losses)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank correlations along the last axis."""
    from scipy.stats import rankdata

    first, second = rankdata(x, axis=-1), rankdata(y, axis=-1)
    first, second = first - first.mean(-1, keepdims=True), second - second.mean(-1, keepdims=True)
    scale = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return np.asarray((first * second).sum(-1) / np.where(scale > 0, scale, np.nan))


def with_interval(value: float, resampled: np.ndarray) -> tuple[float, float, float]:
    """A statistic and the middle 95 % of its bootstrap."""
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return value, min(value, float(low)), max(value, float(high))


def usable_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The functions whose curves came down to the range of the slope; the others are left out, and counted."""
    return table[np.isfinite(table[["slope", "bits", "fixed", "offset"]]).all(axis=1)]


def claims_of(part: Part, table: pd.DataFrame, chosen: str, seed: int) -> list[Claim]:
    """The claim's two halves, their difference, and what holds exactly."""
    points = maps.parse(part.spec).inputs.count
    title = part.title.split(",")[0]
    # splitting's own error is left room: 4 standard errors of both
    excess = table["bits"] - table["fixed"] - 4 * (table["fixed_spread"] / 2 + (table["bits_high"] - table["bits_low"]) / 4)
    worst = float(excess.max())
    text = f"≤ 0: V(1/{2 * points}) ≤ P"
    claims = [Claim(f"{title}: log₂V(1/{2 * points}) − log₂P, largest", text, worst, worst, worst, worst <= 0)]
    if chosen == "smoke":
        return claims
    usable = usable_rows(table)
    rows = streams.integers(seed, "lambda against probability", 0, (BOOTSTRAP, len(usable)), len(usable))
    bits = usable["bits"].to_numpy()
    resampled, plain = {}, {}
    for column in ("slope", "offset", "fixed"):
        values = usable[column].to_numpy()
        plain[column], resampled[column] = float(spearman(bits, values)), spearman(bits[rows], values[rows])
    slope, offset, fixed = (with_interval(plain[name], resampled[name]) for name in ("slope", "offset", "fixed"))
    claims.append(Claim(f"{title}: rank correlation of −log₂P with λ̂", "λ ranks: ≥ 0.9", *slope, slope[0] >= RANKED_WELL))
    text = "offset does not rank: 0"
    claims.append(Claim(f"{title}: … with the offset", text, *offset, offset[1] <= 0 <= offset[2]))
    both = with_interval(plain["slope"] - abs(plain["offset"]), resampled["slope"] - np.abs(resampled["offset"]))
    claims.append(Claim(f"{title}: … with λ̂ less that with the offset", "> 0", *both, both[1] > 0))
    text = "near 1, V at one ε"
    claims.append(Claim(f"{title}: … with −log₂V(1/{2 * points})", text, *fixed, fixed[0] >= RANKED_WELL))
    ceiling = (np.abs(usable["slope"] - points / 2) <= points / 32).to_numpy()
    share = with_interval(float(ceiling.mean()), ceiling[rows].mean(axis=1))
    text = "λ tells functions apart: < 0.5"
    claims.append(Claim(f"{title}: share with λ̂ at points/2 ± {points / 32:g}", text, *share, share[0] < 0.5))
    return claims


def other_units(table: pd.DataFrame) -> dict[str, float]:
    """The rank correlation of −log₂P with the offset, for ε in other units than ½: the offset takes up multiples of λ̂."""
    usable = usable_rows(table)
    units = {"1": -1, "1/8": 2, "1/32": 4, "1/128": 6}
    bits, offset, slope = (usable[name].to_numpy() for name in ("bits", "offset", "slope"))
    return {unit: float(spearman(bits, offset + shift * slope)) for unit, shift in units.items()}


def draw(found: list[tuple[Part, pd.DataFrame, np.ndarray]]) -> Any:
    """A row a size: the curves, then λ̂, offset and −log₂V at one ε against −log₂P."""
    import matplotlib as mpl

    from slt_bias.plots import styles

    figure = plots.Picture(figsize=(13.2, 4.3 * len(found)), layout="constrained")
    grid = figure.subplots(len(found), 4, squeeze=False)
    for row, (part, table, curves) in zip(grid, found, strict=True):
        points = maps.parse(part.spec).inputs.count
        shade = mpl.colormaps["viridis"]
        norm = mpl.colors.Normalize(float(table["bits"].min()), float(table["bits"].max()))
        for (_, one), curve in zip(table.iterrows(), curves, strict=True):
            row[0].plot(np.linspace(0, part.range[1], DEPTHS), curve, color=shade(norm(one["bits"])), linewidth=1.0)
        row[0].axvspan(*part.range, color="0.9", zorder=0)
        row[0].axvline(np.log2(2 * points), color="black", linestyle=":", linewidth=1.2)
        top = row[0].get_ylim()[1]
        row[0].text(np.log2(2 * points), top * 0.99, f" 1/{2 * points}", va="top", fontsize=8)
        row[0].text(sum(part.range) / 2, top * 0.01, "slope λ̂", ha="center", va="bottom", fontsize=8)
        row[0].set(xlabel="log₂ 1/ε", ylabel="−log₂ V(ε)  (bits)", title=f"{part.title}: the curves", ylim=(0, top))
        bar = figure.colorbar(mpl.cm.ScalarMappable(norm, shade), ax=row[0], label="−log₂ P(f)  (bits)")
        bar.ax.tick_params(labelsize=8)
        for number, (axes, column, label) in enumerate(
            zip(row[1:], ("slope", "offset", "fixed"),
                ("slope λ̂ (bits a bit)", "offset (bits)", f"−log₂ V(1/{2 * points})  (bits)"), strict=True)
        ):  # fmt: skip
            style = {"marker": styles.MARKERS[number], "color": styles.COLOURS[number], "markersize": 4, "linestyle": "none"}
            if column == "slope":
                spread = [table["slope"] - table["slope_low"], table["slope_high"] - table["slope"]]
                axes.errorbar(table["bits"], table["slope"], yerr=spread, elinewidth=0.6, label="λ̂, 95 %", **style)
                axes.plot(
                    table["bits"], table["half_rank"], linestyle="none", marker="x", color="0.25", markersize=5,
                    label="½ rank, least over particles",
                )  # fmt: skip
                axes.axhline(points / 2, color="black", linestyle="--", linewidth=1.0, label=f"points/2 = {points / 2:g}")
                axes.set_ylim(0, max(points / 2 * 1.45, float(table["slope_high"].quantile(0.9)) * 1.2))
                axes.legend(fontsize=7.5, frameon=False, loc="upper left")
            else:
                axes.plot(table["bits"], table[column], **style)
            if column == "fixed":
                ends = np.array([0, float(table["bits"].max())])
                axes.plot(ends, ends, color="0.5", linewidth=1.0)
                axes.annotate("V = P", ends[[1, 1]] * [0.75, 0.6], ha="left", va="top", fontsize=8, color="0.35")
            both = table[np.isfinite(table[column]) & np.isfinite(table["bits"])]
            value = float(spearman(both["bits"].to_numpy(), both[column].to_numpy()))
            axes.set(xlabel="−log₂ P(f)  (bits)", ylabel=label, title=f"rank correlation {value:.2f}")
        for axes in row:
            axes.title.set_fontsize(10)
    return figure


def main() -> None:
    """Measure, keep the tables, draw, print."""
    chosen = setting(__doc__, "lambda_against_probability")
    found, claims = [], []
    for part in PARTS[chosen.name]:
        names, tables = chosen_functions(part, chosen.name)

        def one(place: int, part: Part = part, names: list[str] = names, tables: Functions = tables) -> Any:
            return measure(part, names[place], tables[place], chosen.name, chosen.seed)

        with ThreadPoolExecutor(available_cores()) as pool:
            results = list(pool.map(one, range(len(names))))
        table = pd.DataFrame([row for row, _ in results])
        found.append((part, table, np.array([curve for _, curve in results])))
        claims += claims_of(part, table, chosen.name, chosen.seed)
        print(table.drop(columns=["part", "method"]).to_string(float_format="%.2f"), file=sys.stderr)
    with replacing(chosen.out / "table.csv") as path:
        pd.concat([table for _, table, _ in found]).to_csv(path, index=False)
    plots.save(draw(found), chosen.out / "figure")
    for part, table, _ in found if chosen.name != "smoke" else ():
        print(f"{part.title}: {len(usable_rows(table))} of {len(table)} functions used", file=sys.stderr)
        print(f"{part.title}: rank correlation with the offset, ε in units of: {other_units(table)}", file=sys.stderr)
    report(
        chosen, "λ · log₂(1/ε) against −log₂P: which part of the volume ranks the functions?", claims,
        functions_used={part.title: len(usable_rows(table)) for part, table, _ in found},
        offset_in_other_units={part.title: other_units(table) for part, table, _ in found} if chosen.name != "smoke" else {},
    )  # fmt: skip


if __name__ == "__main__":
    main()
