"""How many bits an excess loss of ε costs: rounding every weight, against a code that knows the volume (Urdshals et al. 2025).

After arXiv 2510.12077: coding of parameters is tied to λ, but not every code reaches it. Rounding d weights to one grid costs
(d/2)·log₂(1/ε) as soon as the loss is quadratic in some direction, whatever the number of flat ones: for K = (w₁ − w₂)² a slope
of 1 bit a bit, though λ = ½. A two-part code over a shared random sequence (the index of the first prior draw with excess ≤ ε)
costs −log₂V(ε) and a prefix, with slope λ. Also w₁²w₂² (λ = ½, m = 2), where at 0 the loss of rounding is of fourth order and
both slopes are ½, and the deep linear network 2-2-2 of rank 1 (λ = 2, m = 2; eight weights).

Run: .venv/bin/python experiments/compression.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import sys
import time
from typing import Any

import pandas as pd
from common import Claim, report, setting

from slt_bias import llc, plots
from slt_bias.files import replacing
from slt_bias.llc.codes import Compressibility, compressibility
from slt_bias.plots import styles
from slt_bias.subjects import linear, monomial

VALLEY, CROSSING, NETWORK = "(w₁ − w₂)²", "w₁²w₂²", "2-2-2 network, rank 1"
CHOSEN = {"full": (VALLEY, CROSSING, NETWORK), "quick": (VALLEY, CROSSING, NETWORK), "smoke": (VALLEY,)}
VOLUME: dict[str, dict[str, float]] = {
    "full": {},
    "quick": {"particles": 500, "replicates": 6},
    "smoke": {"particles": 150, "replicates": 4, "depth": 50},
}
CLOSE = 0.1  # of a slope: over a finite range m and the constant bend the curves


def measure(name: str, settings: dict[str, Any], seed: int) -> tuple[Compressibility, llc.exact.Exact, int]:
    """Both codes, the exact (λ, m), and the number of weights d."""
    import torch
    from torch import nn

    class Valley(nn.Module):
        """K = (w₁ − w₂)² at a point of its valley."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.full((2,), 0.3, dtype=torch.float64))

        def forward(self) -> torch.Tensor:
            return (self.weights[0] - self.weights[1]) ** 2

    model: nn.Module
    loss: Any
    if name == VALLEY:
        model, loss, data, truth = Valley(), Valley.forward, None, llc.exact.Exact(0.5, 1)
    else:
        if name == CROSSING:
            system, truth = monomial.monomial((1, 1)), llc.exact.monomial((1, 1))
        else:
            system, truth = linear.deep_linear((2, 2, 2), 1), llc.exact.deep_linear((2, 2, 2), 1)
        model, loss, data = system.model, system.loss, system.data
    began = time.perf_counter()
    found = compressibility(model, loss, data, seed=seed, **settings)
    print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return found, truth, sum(weights.numel() for weights in model.parameters())


def claims_of(name: str, found: Compressibility, truth: llc.exact.Exact, weights: int) -> list[Claim]:
    """Slopes in bits a bit of 1/ε."""
    rounding = found.rounding_slope
    # For w₁²w₂² at 0 the loss of a rounded weight is of fourth order: (d/4) instead of (d/2)
    wanted = weights / 4 if name == CROSSING else weights / 2
    near = abs(rounding / wanted - 1) <= CLOSE
    claims = [Claim(f"{name}: slope of rounding", f"{wanted:g} ± {CLOSE:.0%}", rounding, rounding, rounding, bool(near))]
    value = found.volume_slope
    near = abs(value / truth.learning_coefficient - 1) <= CLOSE
    text = f"λ = {truth.learning_coefficient:g} ± {CLOSE:.0%}"
    claims.append(
        Claim(f"{name}: slope of the volume code", text, value, found.volume_slope_low, found.volume_slope_high, bool(near))
    )
    return claims


def draw(results: dict[str, tuple[Compressibility, llc.exact.Exact, int]]) -> Any:
    """A panel a system: bits against log₂ 1/ε."""
    figure = plots.Picture(figsize=(0.8 + 3.9 * len(results), 4.4), layout="constrained")
    grid = figure.subplots(1, len(results), squeeze=False)[0]
    for axes, (name, (found, truth, weights)) in zip(grid, results.items(), strict=True):
        table = found.table
        x = table["log2_inverse_epsilon"]
        curves = (
            ("rounding_bits", "rounding: d·log₂(range/step)"),
            ("code_bits", "index of the first good draw, as a prefix code"),
            ("volume_bits", "−log₂V(ε), with its interval"),
        )
        for number, (column, label) in enumerate(curves):
            line = {"color": styles.COLOURS[number], "linestyle": styles.LINES[number]}
            axes.plot(x, table[column], label=label, linewidth=1.4, **line)
        band = table["volume_bits_low"], table["volume_bits_high"]
        axes.fill_between(x, *band, color=styles.COLOURS[2], alpha=0.25, linewidth=0)
        slopes = f"slopes: rounding {found.rounding_slope:.3g}, volume {found.volume_slope:.3g}"
        axes.set_title(f"{name}:  d = {weights}, λ = {truth.learning_coefficient:g}\n{slopes}", fontsize=9.5)
        axes.set_xlabel("log₂ 1/ε  (bits)")
    grid[0].set_ylabel("code length of the weights  (bits)")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(results), fontsize=8, frameon=False)
    return figure


def main() -> None:
    """Measure, keep the curves, draw, print."""
    chosen = setting(__doc__, "compression")
    results = {name: measure(name, VOLUME[chosen.name], chosen.seed) for name in CHOSEN[chosen.name]}
    table = pd.concat([found.table.assign(system=name) for name, (found, _, _) in results.items()])
    with replacing(chosen.out / "table.csv") as path:
        table.to_csv(path, index=False)
    plots.save(draw(results), chosen.out / "figure")
    claims = [claim for name, result in results.items() for claim in claims_of(name, *result)]
    statuses = {name: [found.status, *found.reasons] for name, (found, _, _) in results.items()}
    report(chosen, "Compression: rounding against a code that knows the volume", claims, verdicts=statuses)


if __name__ == "__main__":
    main()
