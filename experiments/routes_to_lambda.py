"""Three routes to λ that share no code but the loss, on four singularities in normal form.

K = w₁²w₂² (λ = ½, m = 2), w₁²w₂⁴ (¼, 1), w₁² + w₂⁴ (¾, 1), w₁²w₂²w₃² (½, 3), at w* = 0, under N(0, I):
  volume scaling: V(ε) ≃ C ε^λ (log 1/ε)^(m−1) by multilevel splitting over many decades (Watanabe 2009, theorem 7.1);
  local volume: the star-shaped basin along rays, slope of log V in log ε (Scherlis & Belrose 2025, arXiv 2501.18812), which
      has no correction for m, and whose mean few rays carry (its verdict says so);
  `reference`: nβ E[K] = λ − (m − 1)/(ln nβ + c) + … over temperatures, by replica exchange with HMC.

Run: .venv/bin/python experiments/routes_to_lambda.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import llc, plots
from slt_bias.files import replacing
from slt_bias.llc.rays import LocalVolumeScaling, local_volume_scaling
from slt_bias.llc.reading import read
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.volume import VolumeScaling
from slt_bias.plots import styles, verdicts
from slt_bias.subjects import monomial
from slt_bias.subjects.system import System

ALL = ("w₁²w₂²", "w₁²w₂⁴", "w₁² + w₂⁴", "w₁²w₂²w₃²")
CHOSEN = {"full": ALL, "quick": ALL, "smoke": ALL[1:2]}
VOLUME: dict[str, dict[str, Any]] = {
    "full": {},
    "quick": {"particles": 700},
    "smoke": {"particles": 150, "replicates": 4, "depth": 50.0},
}
REFERENCE: dict[str, dict[str, int]] = {
    "full": {},
    "quick": {"chains": 6, "draws": 100},
    "smoke": {"chains": 6, "draws": 20, "burn_in": 30},
}
RAYS = {"full": 20_000, "quick": 5000, "smoke": 2000}
EPSILONS = np.geomspace(1e-9, 1e-2, 8)
CLOSE = 0.05  # of λ
ROUTES = ("volume scaling", "local volume, rays", "reference")


@dataclass(frozen=True)
class Measured:
    """One system by all three routes."""

    name: str
    truth: llc.exact.Exact
    volume: VolumeScaling
    rays: LocalVolumeScaling
    reference: LearningCoefficient


def system_of(name: str) -> tuple[System, llc.exact.Exact]:
    """The system and its exact (λ, m)."""
    if name == "w₁² + w₂⁴":
        rows = [(1, 0), (0, 2)]
        return monomial.sum_of_monomials(rows), llc.exact.sum_of_monomials(rows)
    exponents = {"w₁²w₂²": (1, 1), "w₁²w₂⁴": (1, 2), "w₁²w₂²w₃²": (1, 1, 1)}[name]
    return monomial.monomial(exponents), llc.exact.monomial(exponents)


def measure(name: str, chosen: str, seed: int) -> Measured:
    """All routes on one system."""
    began = time.perf_counter()
    system, truth = system_of(name)
    volume = llc.volume_scaling(system.model, system.loss, system.data, seed=seed, **VOLUME[chosen])
    problem = read(system.model, system.loss, system.data)
    rays = local_volume_scaling(
        problem.landscape, problem.centre, EPSILONS, seed=seed, rays=RAYS[chosen], preconditioner="none"
    )
    reference = llc.estimate(
        system.model, system.loss, system.data, method="reference", inverse_temperature=list(np.geomspace(1e3, 1e9, 7)),
        seed=seed, **REFERENCE[chosen],
    )  # fmt: skip
    print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return Measured(name, truth, volume, rays, reference)


def table_of(found: list[Measured]) -> pd.DataFrame:
    """A row a system and route."""
    rows = []
    for one in found:
        for route, result in zip(ROUTES, (one.volume, one.rays, one.reference), strict=True):
            rows.append(
                {
                    "system": f"{one.name}:  λ = {one.truth.learning_coefficient:g}, m = {one.truth.multiplicity}",
                    "route": route, "truth": one.truth.learning_coefficient, "value": result.learning_coefficient,
                    "low": result.low, "high": result.high, "true_multiplicity": one.truth.multiplicity,
                    "multiplicity": getattr(result, "multiplicity", None), "status": result.status,
                    "reasons": " ".join(result.reasons),
                }
            )  # fmt: skip
    return pd.DataFrame(rows).astype({"multiplicity": "Int64"})


def claims_of(found: list[Measured]) -> list[Claim]:
    """Volume scaling: λ within 5 % and m; reference: its interval; rays: what is known of them."""
    claims = []
    for one in found:
        truth, m = one.truth
        value, reference, rays = one.volume, one.reference, one.rays
        near = abs(value.learning_coefficient / truth - 1) <= CLOSE
        text = f"{truth:g} ± {CLOSE:.0%}"
        claims.append(Claim(f"{one.name}: volume scaling, λ", text, value.learning_coefficient, value.low, value.high, near))
        low, high = value.multiplicity_low, value.multiplicity_high
        claims.append(Claim(f"{one.name}: volume scaling, m", str(m), value.multiplicity, low, high, value.multiplicity == m))
        near = abs(reference.value / truth - 1) <= 2 * CLOSE
        text = f"{truth:g} ± {2 * CLOSE:.0%}"
        claims.append(Claim(f"{one.name}: reference, λ", text, reference.value, reference.low, reference.high, near))
        slope = rays.learning_coefficient
        held = slope < truth if m > 1 else abs(slope / truth - 1) <= 2 * CLOSE
        text = f"below {truth:g}: no correction for m" if m > 1 else f"{truth:g} ± {2 * CLOSE:.0%}"
        claims.append(Claim(f"{one.name}: rays, slope", text, slope, rays.low, rays.high, bool(held)))
    return claims


def draw(found: list[Measured]) -> Any:
    """A panel a route, a line a system; dashed the exact slope, or the exact λ."""
    from matplotlib.lines import Line2D

    figure = plots.Picture(figsize=(12.6, 4.6), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    decade, entries = np.log(10), []
    for number, one in enumerate(found):
        style = styles.line_style(ALL.index(one.name))
        line = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.3}
        volume, truth, m = one.volume, *one.truth
        first.plot(volume.log_epsilon / decade, volume.log_volume / decade, **line)
        x, y = one.rays.log_epsilon / decade, one.rays.log_volume / decade
        spread = [[point.value - point.low, point.high - point.value] for point in one.rays.volumes]
        second.errorbar(x, y, yerr=np.array(spread).T / decade, marker=style["marker"], markersize=4, **line)
        for axes, x0, y0 in (
            (first, volume.log_epsilon[-1] / decade, volume.log_volume[-1] / decade),
            (second, x.min(), y[x.argmin()]),
        ):
            ends = np.array([x0, x0 + min(8.0, -y0 / truth)])  # no volume is larger than 1
            axes.plot(ends, y0 + truth * (ends - x0), zorder=1, **{**verdicts.TRUTH, "linewidth": 0.8})
        rungs = one.reference.temperatures
        assert rungs is not None
        across = rungs["inverse_temperature"]
        third.errorbar(
            across, rungs["value"], yerr=[rungs["value"] - rungs["low"], rungs["high"] - rungs["value"]], elinewidth=0.8, **line
        )
        shift = 1.25 ** (number - 1.5)
        limit = pd.DataFrame([{"value": one.reference.value, "low": one.reference.low, "high": one.reference.high,
                               "status": one.reference.status}])  # fmt: skip
        verdicts.points(third, [6e9 * shift], limit, style["color"])
        third.axhline(truth, zorder=1, **{**verdicts.TRUTH, "linewidth": 0.8})
        entries.append(Line2D([], [], **line, label=f"{one.name}  (λ = {truth:g}, m = {m})"))
    entries.append(Line2D([], [], **verdicts.TRUTH, label="exact: slope λ through the lower end (left, middle), λ (right)"))
    for axes, title in ((first, "volume scaling, by splitting"), (second, "local volume, along rays")):
        axes.set(xlabel="log₁₀ ε", title=title)
    first.set_ylabel("log₁₀ V(ε)")
    third.set(xscale="log", xlabel="inverse temperature nβ", ylabel="nβ·E[K]", title="reference; markers at the right: its limit")
    figure.legend(handles=entries, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def main() -> None:
    """Measure, keep the table, draw, print."""
    chosen = setting(__doc__, "routes_to_lambda")
    found = [measure(name, chosen.name, chosen.seed) for name in CHOSEN[chosen.name]]
    table = table_of(found)
    with replacing(chosen.out / "table.csv") as path:
        table.to_csv(path, index=False)
    plots.save(draw(found), chosen.out / "figure")
    plots.save(plots.routes(table, title="Three routes to λ"), chosen.out / "intervals")
    report(chosen, "Three routes to λ on normal crossings", claims_of(found))


if __name__ == "__main__":
    main()
