"""The central figure of Valle-Pérez, Camargo & Louis (2018), arXiv 1805.08522: P(f) against C_LZ, (7,40,40,1) ReLU on {0,1}⁷.

What the paper says, in its own setting: the functions that random parameters compute most often are simple, P falls
exponentially with complexity below an upper bound, and most draws are functions seen once. The numbers "earlier" are our
own earlier measurements of 10⁶ draws under three laws that all call themselves this network.

Run: .venv/bin/python experiments/valle_perez_2018.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math

import numpy as np
from common import Claim, report, setting

import slt_bias as sb
from slt_bias import complexity

SAMPLES = {"full": 10**6, "quick": 10**6, "smoke": 50_000}
NETWORK = "mlp:hidden=40x40,activation=relu,"
# law → (P(constant 0), its error; distinct functions of 10⁶ draws; mean C_LZ over draws)
EARLIER = {
    "preset=valle-perez-2018-normal": (0.111, 0.001, 682_000, 61.2),
    "weight_std=1,bias_std=1": (0.364, 0.0005, 230_000, 23.5),
    "weight_std=1.414,bias=false": (0.0624, 0.00005, None, None),
}


def mean_complexity(counts: sb.prior.FunctionCounts) -> tuple[float, float, float]:
    """(mean C_LZ over draws, low, high) at 99.9 %."""
    lengths, shares = complexity.compute(counts.functions, "lz"), counts.count / counts.samples
    mean = float(shares @ lengths)
    half = 3.29 * math.sqrt(float(shares @ lengths**2) - mean**2) / math.sqrt(counts.samples)
    return mean, mean - half, mean + half


def earlier_claims(law: str, counts: sb.prior.FunctionCounts, full: bool) -> list[Claim]:
    """Our earlier numbers of one law against this run's."""
    probability, error, distinct, mean = EARLIER[law]
    zero, one = (counts.probability(f"constant:value={bit}", confidence=0.999) for bit in (0, 1))
    agrees = zero.low - 3 * error <= probability <= zero.high + 3 * error
    claims = [Claim(f"{law}: P(constant 0)", f"{probability} ± {error} (earlier)", zero.value, zero.low, zero.high, agrees)]
    if "bias=false" in law:
        claims.append(Claim(f"{law}: P(constant 1)", "0: its output at 0 is 0", one.value, one.low, one.high, one.value == 0))
    if full and distinct is not None and mean is not None:
        measured, spread = counts.distinct, 3.29 * math.sqrt(int((counts.count == 1).sum()))
        near = abs(measured / distinct - 1) < 0.01
        low, high = measured - spread, measured + spread
        claims.append(Claim(f"{law}: distinct functions", f"{distinct:,} ± 1 % (earlier)", measured, low, high, near))
        value, low, high = mean_complexity(counts)
        agrees = low - 0.05 <= mean <= high + 0.05  # the earlier number is rounded to 0.1
        claims.append(Claim(f"{law}: mean C_LZ over draws", f"{mean} (earlier)", value, low, high, agrees))
    return claims


def paper_claims(counts: sb.prior.FunctionCounts, table: object, uniform_mean: float) -> list[Claim]:
    """What the paper says of its figure."""
    bias = sb.compare.entropy_bias(table)  # type: ignore[arg-type]
    correlation = bias.rank_correlation
    mean, low, high = mean_complexity(counts)
    top = complexity.compute(counts.functions[:10], "lz")
    unseen = counts.unseen_mass(0.999)
    return [
        Claim("rank correlation of P and K", "< 0", correlation.value, correlation.low, correlation.high, correlation.high < 0),
        Claim("mean C_LZ over draws", f"far below random, {uniform_mean:.0f}", mean, low, high, high < 0.75 * uniform_mean),
        Claim("C_LZ of the ten most frequent", "all simple (< 40)", top.mean(), top.min(), top.max(), bool(top.max() < 40)),
        Claim("probability of functions never drawn", "more than half", unseen.value, unseen.low, unseen.high, unseen.low > 0.5),
    ]


def main() -> None:
    """Sample the three laws and the paper's own uniform one, print, draw."""
    chosen = setting(__doc__, "valle_perez_2018")
    samples = SAMPLES[chosen.name]
    claims, panels = [], []
    uniform_mean = float(np.mean(sb.compare.uniform_complexity(128, "lz")))
    for law in (*EARLIER, "preset=valle-perez-2018"):
        counts = sb.prior.sample(NETWORK + law, samples, seed=chosen.seed, progress=not chosen.as_json)
        table = sb.compare.prior_versus_complexity(counts)
        bounds = [sb.compare.coding_bound(table), sb.compare.coding_bound(table, kind="envelope")]
        panels.append(sb.plots.Panel(f"{law}\n{samples:,} draws, {counts.distinct:,} functions", table, bounds))
        if law in EARLIER:
            claims += earlier_claims(law, counts, samples == 10**6)
        else:
            claims += paper_claims(counts, table, uniform_mean)
    figure = sb.plots.prior_versus_complexity(panels, title="(7,40,40,1) ReLU on {0,1}⁷ under four laws")
    sb.plots.save(figure, chosen.out / "figure")
    report(chosen, "Valle-Pérez, Camargo & Louis 2018: P(f) against C_LZ", claims, samples=samples)


if __name__ == "__main__":
    main()
