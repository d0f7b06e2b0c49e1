"""The verdict, finding by finding, and what its evidence is made of: descents, rescalings, curvatures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from slt_bias.llc import losses
from slt_bias.llc.curvature import hessian_eigenvalues, regular_part
from slt_bias.llc.descent import descend
from slt_bias.llc.gauge import rescaled
from slt_bias.llc.reading import read
from slt_bias.llc.verdict import Evidence, judge, table_of_checks

GOOD = Evidence(
    value=3.0, error=0.05, rhat=1.01, effective=900.0, chains=8, diverged=0, descent=0.0, escape=-0.1, regular=3.0, dimension=8,
    checks={"corrected": (3.05, 0.2), "localization/10": (3.1, 0.2), "localization×10": (2.8, 0.1), "rescaled": (3.0, 0.2)},
)  # fmt: skip


def quadratic(curvatures):
    """A linear model whose loss is ½Σ hᵢwᵢ² around w* = 0, as noiseless data."""
    count = len(curvatures)
    model = torch.nn.Linear(count, 1, bias=False, dtype=torch.float64)
    torch.nn.init.zeros_(model.weight)
    rows = torch.diag(torch.sqrt(torch.tensor(curvatures, dtype=torch.float64) * count))
    return read(model, losses.squared_error(), (rows, torch.zeros(count, 1, dtype=torch.float64)))


def test_good_evidence_is_ok():
    assert judge(GOOD) == ("ok", ())
    assert table_of_checks(GOOD)["passed"].all()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"diverged": 8}, "failed", "all 8 chains"),
        ({"escape": 30.0}, "failed", "another phase"),
        ({"diverged": 1}, "suspect", "1 of 8 chains"),
        ({"value": -5.0, "regular": None, "checks": {}}, "suspect", "negative"),
        ({"value": 9.0, "checks": {}}, "suspect", "half the number of parameters"),
        ({"descent": 6.0, "escape": 6.0}, "suspect", "not at a local minimum"),
        ({"rhat": 1.2}, "suspect", "chains disagree"),
        ({"effective": 30.0}, "suspect", "too few effective draws"),
        ({"effective": math.nan}, "suspect", "constant"),
        ({"value": 2.0, "checks": {}}, "suspect", "left the stratum"),
        ({"checks": {"corrected": (2.0, 0.1)}}, "suspect", "corrected"),
        ({"checks": {"localization/10": (4.5, 0.1)}}, "suspect", "localisation decides"),
        ({"checks": {"localization×10": (1.5, 0.1)}}, "suspect", "localisation decides"),
        ({"checks": {"rescaled": (4.0, 0.1)}}, "suspect", "rescaling"),
    ],
)
def test_each_fault_alone_is_found(change, status, words):
    found, reasons = judge(replace(GOOD, **change))
    assert found == status
    assert len(reasons) == 1 and words in reasons[0]


@pytest.mark.parametrize(
    "checks", [{"corrected": (2.0, 1.0)}, {"corrected": (2.0, math.inf)}, {"localization×10": (2.4, 0.1)}]
)
def test_a_check_that_cannot_tell_is_no_finding(checks):
    assert judge(replace(GOOD, checks=checks))[0] == "ok"


def test_descent_finds_the_minimum_of_every_row():
    landscape = quadratic([3.0, 1.0, 0.1]).landscape
    starts = np.random.default_rng(0).normal(size=(5, 3))
    lowest, places = descend(landscape, starts)
    assert np.all(lowest < 1e-12) and np.abs(places).max() < 1e-5
    assert np.array_equal(descend(landscape, starts[2:3])[0], lowest[2:3])


def test_the_hessian_and_the_regular_part():
    problem = quadratic([3.0, 1.0, 0.0])
    eigenvalues = hessian_eigenvalues(problem.landscape, problem.centre)
    assert eigenvalues == pytest.approx([0.0, 1.0, 3.0], abs=1e-7)
    assert regular_part(eigenvalues, 10.0, 2.0) == pytest.approx(0.5 * 30 / 32 + 0.5 * 10 / 12)


@pytest.mark.parametrize("activation", [torch.nn.ReLU, torch.nn.Identity])
def test_a_rescaling_leaves_every_loss(activation):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), activation(), torch.nn.Linear(4, 2)).double()
    generator = torch.Generator().manual_seed(0)
    data = torch.randn(20, 3, generator=generator).double(), torch.randn(20, 2, generator=generator).double()
    problem = read(model, losses.squared_error(), data)
    moved = rescaled(problem.landscape, 1.5)
    before = problem.landscape.example_losses(problem.centre[None])
    after = problem.landscape.example_losses((problem.centre * moved)[None])
    assert not np.array_equal(problem.centre * moved, problem.centre)
    assert after == pytest.approx(before, rel=1e-12)


def test_no_rescaling_where_the_activation_is_not_homogeneous():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    data = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)).double(), torch.zeros(20, 2).double()
    assert rescaled(read(model, losses.squared_error(), data).landscape, 1.5) is None
