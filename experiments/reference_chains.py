"""Our corrected sampler against another one's code: pyro's No-U-Turn sampler (Hoffman & Gelman 2014) on four tiny posteriors.

nβ(E[L_n] − L_n(w*)) under exp(−nβ L_n(w) − (γ/2)‖w − w*‖²): w₁²w₂² at two temperatures, a linear regression with two weights
(where d/2 with the localisation is exact), and a deep linear network 2-2-2 of rank 1. The full setting runs NUTS (some minutes;
the extra `reference` brings pyro) and writes tests/llc/nuts_reference.json, which the tests compare HMC and SGNHT with; the
others compare HMC with what stands there.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import Claim, report, setting

from slt_bias.llc import diagnostics
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.reading import read
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.subjects import regression
from slt_bias.subjects.linear.networks import deep_linear
from slt_bias.subjects.monomial import monomial
from slt_bias.subjects.system import System

STORE = Path(__file__).parents[1] / "tests" / "llc" / "nuts_reference.json"
LOCALIZATION = 1.0
CHAINS, WARM_UP, DRAWS, DEPTH, ACCEPTANCE = 4, 200, 1000, 5, 0.85  # of NUTS
CONFIDENCE = 0.999


def systems() -> dict[str, tuple[System, float]]:
    """Name → the system and nβ."""
    line = regression.linear_regression(2, 100)
    network = deep_linear((2, 2, 2), 1)
    return {
        "monomial:exponents=1x1 at 1e3": (monomial((1, 1)), 1e3),
        "monomial:exponents=1x1 at 1e4": (monomial((1, 1)), 1e4),
        "linear_regression:inputs=2,examples=100 at n/ln n": (line, 100 / math.log(100)),
        "deep_linear:widths=2x2x2,rank=1 at 1e3": (network, 1e3),
    }


def nuts(landscape: Landscape, centre: np.ndarray, beta: float, seed: int) -> np.ndarray:
    """nβ(L_n − L_n(w*)) of NUTS, (chains, draws)."""
    import pyro
    import torch
    from pyro.infer import MCMC, NUTS

    class Potential(torch.autograd.Function):
        """U and its gradient from our landscape, so that both samplers see one function."""

        @staticmethod
        def forward(ctx, place):  # type: ignore[no-untyped-def]
            away = place.detach().numpy() - centre
            losses, slopes = landscape.gradients(place.detach().numpy()[None])
            ctx.slope = torch.from_numpy(beta * slopes[0] + LOCALIZATION * away)
            return torch.as_tensor(beta * losses[0] + 0.5 * LOCALIZATION * away @ away, dtype=torch.float64)

        @staticmethod
        def backward(ctx, scale):  # type: ignore[no-untyped-def]
            return scale * ctx.slope

    baseline, found = landscape.losses(centre[None])[0], []
    for chain in range(CHAINS):
        pyro.set_rng_seed(1000 * seed + chain)
        start = torch.from_numpy(centre + 0.1 * np.random.default_rng(chain).standard_normal(len(centre)))
        kernel = NUTS(
            potential_fn=lambda places: Potential.apply(places["w"]), target_accept_prob=ACCEPTANCE, max_tree_depth=DEPTH,
            full_mass=False,
        )  # fmt: skip
        run = MCMC(kernel, num_samples=DRAWS, warmup_steps=WARM_UP, initial_params={"w": start}, disable_progbar=True)
        run.run()
        found.append(beta * (landscape.losses(run.get_samples()["w"].numpy()) - baseline))
    return np.array(found)


def hmc(landscape: Landscape, centre: np.ndarray, beta: float, seed: int, draws: int) -> np.ndarray:
    """The same of our HMC."""
    chains = 16
    target = Posterior(landscape, np.tile(centre, (chains, 1)), np.full(chains, beta), np.full(chains, LOCALIZATION))
    purposes = [["reference chains", chain] for chain in range(chains)]
    run = HMC().sample(target, target.centres, draws=draws, burn_in=draws // 2, seed=seed, purposes=purposes)
    return beta * (run.losses - landscape.losses(centre[None])[0])


def measured(name: str, system: System, beta: float, sampler: Callable[..., np.ndarray], **more: int) -> dict[str, float]:
    """Value, Monte-Carlo error (from the chains' means), R-hat and effective sample size of one run."""
    problem = read(system.model, system.loss, system.data)
    began = time.perf_counter()
    chains = sampler(problem.landscape, problem.centre, beta, **more)
    value, error, _, _ = diagnostics.mean_interval(chains, CONFIDENCE)
    effective = diagnostics.effective_sample_size(chains)
    by_draws = float(chains.std(ddof=1)) / math.sqrt(effective)
    return {
        "value": value,
        "standard_error": max(error, by_draws),  # the chains' means are few, the effective draws assume that they mix
        "rhat": diagnostics.rhat(chains),
        "effective_sample_size": effective,
        "seconds": time.perf_counter() - began,
    }


def reference(seed: int) -> dict[str, object]:
    """Run NUTS on all systems."""
    import pyro
    import torch

    settings = {
        "chains": CHAINS, "warm_up": WARM_UP, "draws": DRAWS, "max_tree_depth": DEPTH, "target_acceptance": ACCEPTANCE,
        "localization": LOCALIZATION, "seed": seed, "pyro": pyro.__version__, "torch": torch.__version__,
    }  # fmt: skip
    values = {
        name: {"inverse_temperature": beta} | measured(name, system, beta, nuts, seed=seed)
        for name, (system, beta) in systems().items()
    }
    return {"sampler": "pyro.infer.NUTS", "settings": settings, "values": values}


def main() -> None:
    """Run or read NUTS, run HMC, compare."""
    from scipy.special import ndtri

    chosen = setting(__doc__, "reference_chains")
    if chosen.name == "full":
        STORE.write_text(json.dumps(reference(chosen.seed), indent=2) + "\n")
    stored = json.loads(STORE.read_text())
    claims = []
    for name, (system, beta) in systems().items():
        there = stored["values"][name]
        here = measured(name, system, beta, hmc, seed=chosen.seed, draws={"smoke": 200, "quick": 2000, "full": 5000}[chosen.name])
        gap = here["value"] - there["value"]
        half = float(ndtri((1 + CONFIDENCE) / 2)) * math.hypot(here["standard_error"], there["standard_error"])
        text = f"0 (NUTS {there['value']:.4f} ± {there['standard_error']:.4f})"
        claims.append(Claim(f"HMC less NUTS, {name}", text, gap, gap - half, gap + half, abs(gap) <= half))
    report(chosen, "HMC against pyro's NUTS", claims, nuts=stored)


if __name__ == "__main__":
    main()
