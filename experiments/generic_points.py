"""Which λ? The aligned and a generic w* of the same truth have different local learning coefficients, and chains can tell.

A deep linear network computes the same function A at every point of its fibre, but λ belongs to the point: at the aligned one,
the most singular, it is Aoyagi's (2024); where the fibre is smooth it is half its codimension. 5-3-5 of rank 0: 6.5 and 7.5;
of rank 1: 8 and 8.5; 10-10-10-10 of rank 5: 46 and 50.

The protocol, and what it shows. One temperature, nβ from 10³ to 10⁶, chains of `fast` (the full-batch thermostat, checked
against HMC) that all start at w*. Localization γ decides how far they go, 1/√γ a direction:
  aligned, γ = 10. Nothing more singular is near, so that chains may go far. They must: with γ = 300 the quartic directions are
      not felt before nβ ≫ γ² ≈ 10⁵, and λ̂ is too small (the verdict says that localisation decides).
  generic, γ = 300. The chains stay where the fibre is smooth (10-10-10-10: they would from γ = 100 on).
  generic, γ = 10. The chains go along the fibre to its more singular points, and λ̂ falls towards that of the aligned one; the
      verdict says "left the stratum". `reference` would do the same by its hot rungs, so it is not used here.
So "λ at w*" is a limit in which nβ grows first and 1/γ after it; a number at one γ belongs to a neighbourhood of that size.

Run: .venv/bin/python experiments/generic_points.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

SYSTEMS = {"5-3-5, rank 0": ((5, 3, 5), 0), "5-3-5, rank 1": ((5, 3, 5), 1), "10-10-10-10, rank 5": ((10, 10, 10, 10), 5)}
CHOSEN = {"full": tuple(SYSTEMS), "quick": tuple(SYSTEMS), "smoke": ("5-3-5, rank 0",)}
TEMPERATURES = {"full": np.geomspace(1e3, 1e6, 7), "quick": np.geomspace(1e3, 1e6, 4), "smoke": np.array([1e5, 1e6])}
DRAWS = {"full": 10_000, "quick": 2000, "smoke": 1200}
PROTOCOLS = {  # point, γ
    "aligned w*, γ = 10": ("aligned", 10.0),
    "generic w*, γ = 300: chains stay": ("generic", 300.0),
    "generic w*, γ = 10: chains leave": ("generic", 10.0),
}
ALIGNED, STAYS, LEAVES = PROTOCOLS
CLOSE = 0.05  # of λ, at nβ = 10⁶
CONFIDENCE = 0.999


def measured(name: str, temperatures: np.ndarray, draws: int, seed: int) -> list[dict[str, Any]]:
    """All protocols on one system at all temperatures: a row each."""
    from slt_bias import llc
    from slt_bias.subjects import linear

    widths, rank = SYSTEMS[name]
    rows: list[dict[str, Any]] = []
    for protocol, (point, gamma) in PROTOCOLS.items():
        system = linear.deep_linear(widths, rank, point=point)  # type: ignore[arg-type]
        if point == "aligned":
            truth = llc.exact.deep_linear(widths, rank).learning_coefficient
        else:
            truth = llc.exact.deep_linear_at([weights.detach() for weights in system.model.parameters()])
        for beta in temperatures:
            found = llc.estimate(
                system.model, system.loss, system.data, inverse_temperature=float(beta), localization=gamma, draws=draws,
                confidence=CONFIDENCE, seed=seed,
            )  # fmt: skip
            rows.append(
                {
                    "system": name, "protocol": protocol, "truth": truth, "inverse_temperature": beta, "localization": gamma,
                    "value": found.value, "low": found.low, "high": found.high, "standard_error": found.standard_error,
                    "rhat": found.rhat, "effective_sample_size": found.effective_sample_size, "status": found.status,
                    "left_the_stratum": any("left the stratum" in reason for reason in found.reasons),
                    "reasons": " ".join(found.reasons), "seconds": found.seconds,
                }
            )  # fmt: skip
    return rows


def claims_of(table: pd.DataFrame) -> list[Claim]:
    """Each protocol against its exact value at the highest nβ, their difference, and what the verdict says."""
    coldest = table[table["inverse_temperature"] == table["inverse_temperature"].max()]
    claims = []
    for name, rows in coldest.groupby("system", sort=False):
        row = {protocol: rows[rows["protocol"] == protocol].iloc[0] for protocol in PROTOCOLS}
        for protocol in (ALIGNED, STAYS):
            one = row[protocol]
            text = f"{one['truth']:g} ± {CLOSE:.0%}"
            near = abs(one["value"] / one["truth"] - 1) <= CLOSE
            claims.append(Claim(f"{name}: {protocol}", text, one["value"], one["low"], one["high"], bool(near)))
        gap = row[STAYS]["value"] - row[ALIGNED]["value"]
        half = 3.29 * math.hypot(row[STAYS]["standard_error"], row[ALIGNED]["standard_error"])
        exact = row[STAYS]["truth"] - row[ALIGNED]["truth"]
        text = f"> 0 (exact {exact:g})"
        claims.append(Claim(f"{name}: generic less aligned", text, gap, gap - half, gap + half, bool(gap - half > 0)))
        gone = row[LEAVES]
        middle = (row[STAYS]["truth"] + row[ALIGNED]["truth"]) / 2
        text = f"< {middle:g}, towards aligned"
        claims.append(Claim(f"{name}: {LEAVES}", text, gone["value"], gone["low"], gone["high"], bool(gone["value"] < middle)))
        said = [float(row[protocol]["left_the_stratum"]) for protocol in (LEAVES, STAYS)]
        score = said[0] - said[1]
        text = f"{name}: the verdict 'left the stratum'"
        claims.append(Claim(text, "there, not where chains stay", score, score, score, score == 1))
    return claims


def draw(table: pd.DataFrame) -> Any:
    """A panel a system: λ̂ against nβ, a line a protocol, and the two exact values."""
    from matplotlib.lines import Line2D

    from slt_bias.plots import Picture, styles, verdicts

    names = list(dict.fromkeys(table["system"]))
    figure = Picture(figsize=(0.8 + 3.9 * len(names), 5.0), layout="constrained")
    grid = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(grid, names, strict=True):
        rows = table[table["system"] == name]
        for number, protocol in enumerate(PROTOCOLS):
            one = rows[rows["protocol"] == protocol]
            x = one["inverse_temperature"] * 1.15 ** (number - 1)  # side by side, so that whiskers stay apart
            axes.plot(x, one["value"], color=styles.COLOURS[number], linestyle=styles.LINES[number], linewidth=1.0)
            verdicts.points(axes, x, one, styles.COLOURS[number])
        for protocol in (ALIGNED, STAYS):
            truth = float(rows.loc[rows["protocol"] == protocol, "truth"].iloc[0])
            axes.axhline(truth, zorder=1, **verdicts.TRUTH)
            text = f"{PROTOCOLS[protocol][0]}\n{truth:g}"
            axes.text(1.015, truth, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
        axes.set_xscale("log")
        axes.set_xlabel("inverse temperature nβ")
        axes.set_title(name, fontsize=10)
    grid[0].set_ylabel(verdicts.LEARNING_COEFFICIENT)
    entries = [
        Line2D([], [], color=styles.COLOURS[number], linestyle=styles.LINES[number], label=protocol)
        for number, protocol in enumerate(PROTOCOLS)
    ]
    entries.append(Line2D([], [], **verdicts.TRUTH, label="exact λ at that point"))
    entries += verdicts.handles(table["status"])
    figure.legend(handles=entries, loc="outside lower center", ncols=min(2, len(names)), fontsize=8, frameon=False)
    return figure


def main() -> None:
    """Measure, keep the table, draw, print."""
    from slt_bias import plots
    from slt_bias.files import replacing

    chosen = setting(__doc__, "generic_points")
    rows: list[dict[str, Any]] = []
    for name in CHOSEN[chosen.name]:
        rows += measured(name, TEMPERATURES[chosen.name], DRAWS[chosen.name], chosen.seed)
    table = pd.DataFrame(rows)
    with replacing(chosen.out / "table.csv") as path:
        table.to_csv(path, index=False)
    plots.save(draw(table), chosen.out / "figure")
    report(chosen, "λ belongs to the point: aligned and generic w* of one truth", claims_of(table), draws=DRAWS[chosen.name])


if __name__ == "__main__":
    main()
