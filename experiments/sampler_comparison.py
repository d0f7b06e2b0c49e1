"""Five samplers on the same posteriors: the error of λ̂ against the gradients spent, after Hitchcock & Hoogland 2025.

The paper (arXiv 2507.21449) compares samplers on deep linear networks, whose λ is known, and finds RMSprop-preconditioned SGLD
the most effective stochastic one. Here: SGLD, RMSpropSGLD, SGNHT, MALA and HMC, each at several fixed step sizes, on five small
deep linear networks (population loss, aligned w*, nβ = 10⁴, γ = 1) and on a linear regression. All see all data, so that what
differs is the sampling alone, not minibatch noise (the paper has minibatches, and larger networks).

Step sizes are given in units of what a corrected pilot run finds: with h the leapfrog step that HMC accepts 80 % of the time, h
for SGNHT and HMC, h² for SGLD and MALA, h² × damping for RMSpropSGLD (whose own step is εG, G ≤ 1/damping). 8 chains from w*; a
budget of g gradients a chain means the mean over the draws from g/3 to g. Errors are relative to the posterior's own value: in
closed form for the regression, elsewhere from a long HMC run; against the exact λ, as in the paper, every sampler has also the
posterior's own distance from the limit nβ → ∞ (column truth of the table).

Run: .venv/bin/python experiments/sampler_comparison.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import plots
from slt_bias.files import replacing
from slt_bias.llc import curvature, diagnostics, exact
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.reading import read
from slt_bias.llc.samplers.base import Sampler
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.samplers.mala import MALA
from slt_bias.llc.samplers.rmsprop_sgld import RMSpropSGLD
from slt_bias.llc.samplers.sgld import SGLD
from slt_bias.llc.samplers.sgnht import SGNHT
from slt_bias.subjects import regression
from slt_bias.subjects.linear import deep_linear

NETWORKS = (((2, 2, 2), 1), ((3, 2, 3), 0), ((5, 3, 5), 1), ((3, 3, 3, 3), 1), ((4, 4, 4), 2))
INPUTS, EXAMPLES = 10, 1000  # of the regression
TEMPERATURE, LOCALIZATION, CHAINS = 1e4, 1.0, 8
BUDGETS = {"full": (1000, 3000, 10_000, 30_000, 100_000), "quick": (1000, 3000, 10_000), "smoke": (1000, 3000)}
LONG = {"full": 10_000, "quick": 1500, "smoke": 1500}  # trajectories of the run that the error is relative to, 32 chains
REPLICATES = {"full": 4, "quick": 1, "smoke": 1}
LEAPFROG, SETTLING = 16, 300
DAMPING = TEMPERATURE**-0.5  # the size of gradients in the posterior: far above it, all directions get the same step
LOCAL_COST = 2 / 3  # every third trajectory takes two more gradients for its own step
STEPS = (0.05, 0.2, 0.5, 1.0)  # in units of h; squared where the unit is h²


@dataclass(frozen=True)
class Contender:
    """A sampler: its name, how it is made of the pilot's step h and a factor, and what a draw costs in gradients."""

    name: str
    make: Callable[[float, float], Sampler]
    cost: float = 1.0
    settling: int = 0  # steps in which it adapts; they count as gradients


CONTENDERS = (
    Contender("SGLD", lambda h, c: SGLD(step_size=(c * h) ** 2)),
    Contender("RMSpropSGLD", lambda h, c: RMSpropSGLD(step_size=(c * h) ** 2 * DAMPING, damping=DAMPING), settling=SETTLING),
    Contender("SGNHT", lambda h, c: SGNHT(step_size=c * h)),
    Contender("MALA", lambda h, c: MALA(step_size=(c * h) ** 2, adapt=False)),
    Contender("HMC", lambda h, c: HMC(step_size=c * h, leapfrog_steps=LEAPFROG), cost=LEAPFROG + LOCAL_COST),
)


@dataclass(frozen=True)
class Target:
    """A posterior to sample: its landscape and w*, the limit λ, the posterior's own value and that value's error."""

    name: str
    landscape: Any
    centre: np.ndarray
    truth: float
    value: float
    error: float
    step: float

    def posterior(self, chains: int) -> Posterior:
        """The same for some chains, all from w*."""
        ones = np.ones(chains)
        return Posterior(self.landscape, np.tile(self.centre, (chains, 1)), TEMPERATURE * ones, LOCALIZATION * ones)


def targets(chosen: str, seed: int) -> list[Target]:
    """The regression and, but for the smallest setting, the networks."""
    found = []
    line = regression.linear_regression(INPUTS, EXAMPLES)
    entries: list[tuple[str, Any, float]] = [(f"regression, {INPUTS} weights", line, INPUTS / 2)]
    for widths, rank in NETWORKS if chosen != "smoke" else ():
        name = "-".join(map(str, widths)) + f" rank {rank}"
        entries.append((name, deep_linear(widths, rank), exact.deep_linear(widths, rank).learning_coefficient))
    for name, system, truth in entries:
        problem = read(system.model, system.loss, system.data)
        target = Target(name, problem.landscape, problem.centre, truth, np.nan, 0.0, 0.0)
        chains = 8 if system is line else 32
        draws = 300 if system is line else LONG[chosen]
        purposes = [["sampler comparison", "long", name, chain] for chain in range(chains)]
        posterior = target.posterior(chains)
        run = HMC().sample(posterior, posterior.centres, draws=draws, burn_in=300, seed=seed, purposes=purposes)
        if system is line:  # quadratic about w*: ½ Σ nβh/(nβh + γ) exactly
            eigenvalues = curvature.hessian_eigenvalues(problem.landscape, problem.centre)
            assert eigenvalues is not None
            value, error = curvature.regular_part(eigenvalues, TEMPERATURE, LOCALIZATION), 0.0
        else:
            excess = TEMPERATURE * (run.losses - problem.landscape.losses(problem.centre[None])[0])
            value, error = diagnostics.mean_interval(excess, 0.95)[:2]
        step = float(np.median(run.step_size))
        found.append(Target(name, problem.landscape, problem.centre, truth, value, error, step))
        print(f"{name}: nβ·E[L − L(w*)] = {value:.4g} ± {error:.2g}, λ = {truth:g}, step {step:.3g}", file=sys.stderr)
    return found


def measured(target: Target, contender: Contender, factor: float, budgets: tuple[int, ...], seed: int) -> list[dict[str, Any]]:
    """λ̂ and its error at each budget, from the beginnings of one run."""
    posterior = target.posterior(CHAINS)
    purposes = [["sampler comparison", contender.name, target.name, chain] for chain in range(CHAINS)]
    draws = int((budgets[-1] - contender.settling) / contender.cost)
    sampler = contender.make(target.step, factor)
    run = sampler.sample(
        posterior, posterior.centres, draws=draws, burn_in=contender.settling, seed=seed, purposes=purposes
    )
    excess = TEMPERATURE * (run.losses - target.landscape.losses(target.centre[None])[0])
    rows = []
    for budget in budgets:
        last = int((budget - contender.settling) / contender.cost)
        first = max(int(budget / 3 - contender.settling), 0) / contender.cost
        value = float(excess[:, int(first) : last].mean())  # NaN where a chain diverged
        rows.append(
            {
                "system": target.name, "sampler": contender.name, "factor": factor, "seed": seed, "gradients": budget,
                "value": value, "posterior_value": target.value, "posterior_error": target.error, "truth": target.truth,
                "error": value / target.value - 1, "diverged_chains": int((run.diverged >= 0).sum()),
                "acceptance": float(run.acceptance.mean()),
            }
        )  # fmt: skip
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Sampler × factor × gradients → the median |error| over systems and seeds; a diverged run counts as infinitely wrong."""
    errors = table.assign(error=table["error"].abs().fillna(np.inf))
    keys = ["sampler", "factor", "gradients"]
    return errors.groupby(keys, sort=False)["error"].agg(median_error="median", largest_error="max").reset_index()


def claims_of(table: pd.DataFrame, medians: pd.DataFrame, complete: bool) -> list[Claim]:
    """What the paper finds, and what our defaults stand on."""
    most = table["gradients"].max()
    rows = table[(table["sampler"] == "HMC") & (table["factor"] == 1.0) & (table["gradients"] == most)]
    regression_error = rows.loc[rows["system"].str.startswith("regression"), "error"]
    value = float(regression_error.mean())
    # each draw has a relative deviation of √(2/d), HMC's draws are nearly independent: 4 standard errors of a third as many
    kept = CHAINS * len(regression_error) * (2 / 3 * most / (LEAPFROG + LOCAL_COST)) / 3
    half = 4 * float(np.sqrt(2 / INPUTS / kept))
    text = "0: a corrected sampler is exact"
    claims = [Claim("HMC, regression: relative error", text, value, value - half, value + half, abs(value) <= half)]
    if not complete:
        return claims
    last = medians[medians["gradients"] == most]
    best = last.groupby("sampler")["median_error"].min()
    typical = last.replace(np.inf, 1.0).groupby("sampler")["median_error"].median()  # over step sizes
    for name, numbers in (("at its best step", best), ("typical step", typical)):
        ratio = float(numbers["RMSpropSGLD"] / min(numbers["SGLD"], numbers["SGNHT"]))
        claims.append(
            Claim(f"error of RMSpropSGLD / best of SGLD, SGNHT, {name}", "< 1 (paper's ranking)", ratio, ratio, ratio, ratio < 1)
        )
    ratio = float(best["SGNHT"] / best["SGLD"])
    text = "< 1 (our choice for fast)"
    claims.append(Claim("error of SGNHT / SGLD, each at its best step", text, ratio, ratio, ratio, ratio < 1))
    return claims


def draw(medians: pd.DataFrame) -> Any:
    """A panel a sampler, a line a step size: median |error| against gradients a chain, both logarithmic."""
    from matplotlib.ticker import FixedLocator, NullFormatter, PercentFormatter

    from slt_bias.plots import Picture, styles

    figure = Picture(figsize=(2.6 * len(CONTENDERS) + 0.6, 4.2), layout="constrained")
    grid = figure.subplots(1, len(CONTENDERS), sharex=True, sharey=True)
    finite = medians["median_error"].replace(np.inf, np.nan)
    ceiling = max(1.0, min(float(finite.max()), 3.0))
    for axes, contender in zip(grid, CONTENDERS, strict=True):
        for number, factor in enumerate(STEPS):
            rows = medians[(medians["sampler"] == contender.name) & (medians["factor"] == factor)]
            shown = rows["median_error"].clip(upper=ceiling)
            axes.plot(rows["gradients"], shown, label=f"{factor:g}", markersize=4.5, linewidth=1.2, **styles.line_style(number))
        axes.set(xscale="log", yscale="log", title=contender.name, xlabel="gradients a chain")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.yaxis.set_major_locator(FixedLocator([0.003, 0.01, 0.03, 0.1, 0.3, 1.0]))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.axhline(ceiling, color="0.6", linewidth=0.8, zorder=0)
    grid[0].set_ylabel("median error of $\\hat{\\lambda}$ over the systems")
    handles, labels = grid[0].get_legend_handles_labels()
    title = f"step, in units of the corrected pilot's (squared for SGLD, RMSpropSGLD, MALA); at {ceiling:.0%}: that or more"
    figure.legend(handles, labels, loc="outside lower center", ncols=len(STEPS), fontsize=8, frameon=False, title=title)
    return figure


def main() -> None:
    """Measure, keep the tables, draw, print."""
    chosen = setting(__doc__, "sampler_comparison")
    rows: list[dict[str, Any]] = []
    for target in targets(chosen.name, chosen.seed):
        for contender in CONTENDERS:
            for factor in STEPS:
                for seed in range(chosen.seed, chosen.seed + REPLICATES[chosen.name]):
                    rows += measured(target, contender, factor, BUDGETS[chosen.name], seed)
    table = pd.DataFrame(rows)
    medians = summary(table)
    for name, frame in (("table", table), ("summary", medians)):
        with replacing(chosen.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    plots.save(draw(medians), chosen.out / "figure")
    last = medians[medians["gradients"] == medians["gradients"].max()]
    best = last.loc[last.groupby("sampler")["median_error"].idxmin(), ["sampler", "factor", "median_error"]]
    report(
        chosen, "Samplers on posteriors whose λ is known: error against gradients",
        claims_of(table, medians, chosen.name != "smoke"), best=best.to_dict("records"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
