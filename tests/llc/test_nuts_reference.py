"""HMC and SGNHT against another one's code: pyro's No-U-Turn sampler, run by experiments/reference_chains.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from test_samplers import gaussian, product_case

from slt_bias.llc.posterior import Posterior
from slt_bias.llc.reading import read
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.samplers.sgnht import SGNHT
from slt_bias.subjects.linear.networks import deep_linear
from slt_bias.subjects.monomial import monomial
from slt_bias.subjects.regression import linear_regression

NUTS = json.loads((Path(__file__).parent / "nuts_reference.json").read_text())


def nuts_system(name):
    kind = name.split(":")[0]
    made = {
        "monomial": lambda: monomial((1, 1)),
        "linear_regression": lambda: linear_regression(2, 100),
        "deep_linear": lambda: deep_linear((2, 2, 2), 1),
    }
    return made[kind]()


@pytest.mark.parametrize("sampler", ["hmc", "sgnht"])
@pytest.mark.parametrize("name", NUTS["values"])
def test_agrees_with_nuts(name, sampler):
    """nβK is about Gamma(λ), its variance about its mean: the error of our mean is at most √(mean/chains)."""
    there, chains = NUTS["values"][name], 250
    system, beta = nuts_system(name), there["inverse_temperature"]
    problem = read(system.model, system.loss, system.data)
    target = Posterior(problem.landscape, np.tile(problem.centre, (chains, 1)), np.full(chains, beta), np.ones(chains))
    if sampler == "hmc":
        own, length = HMC(), {"burn_in": 100, "draws": 60}
    else:
        own, length = SGNHT(0.6 / np.sqrt(20 * beta), steps_per_draw=20), {"burn_in": 60, "draws": 60}
    purposes = [["nuts", chain] for chain in range(chains)]
    run = own.sample(target, target.centres, seed=0, purposes=purposes, **length)
    found = beta * (run.losses.mean() - problem.landscape.losses(problem.centre[None])[0])
    assert (run.diverged == -1).all()
    assert abs(found - there["value"]) < 4 * np.hypot(there["standard_error"], np.sqrt(there["value"] / chains))


def test_the_reference_of_nuts_is_precise():
    """Errors of a twentieth of λ at most, and where a closed form exists it is met: Σ ½ nβh/(nβh + γ)."""
    for values in NUTS["values"].values():
        assert values["standard_error"] < 0.05 * max(values["value"], 0.5) and values["rhat"] < 1.05
    name = next(name for name in NUTS["values"] if name.startswith("linear_regression"))
    system, there = nuts_system(name), NUTS["values"][name]
    rows = system.data[0].numpy()
    curvatures = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    exact = gaussian(curvatures, there["inverse_temperature"], 1.0).mean
    assert abs(there["value"] - exact) < 4 * there["standard_error"]
    for power in (3, 4):
        there = NUTS["values"][f"monomial:exponents=1x1 at 1e{power}"]
        assert abs(there["value"] - product_case(10.0**power, 1.0).mean) < 4 * there["standard_error"]
