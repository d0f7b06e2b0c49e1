"""Systems by name, runs with their files, training with checkpoints, the sweep, and the rows of verify."""

import json
import re

import numpy as np
import pytest
import torch

from slt_bias import subjects
from slt_bias.errors import InputError, ResultError, SpecError
from slt_bias.llc.losses import squared_error
from slt_bias.llc.samplers.sgld import SGLD
from slt_bias.llc.step_sweep import sweep
from slt_bias.workflows import systems, training
from slt_bias.workflows.learning_coefficient import learning_coefficient
from slt_bias.workflows.truths import learning_coefficients as truths

KNOWN = [  # all by hand from the theorems
    ("deep-linear", {"widths": "10,10,10,10", "rank": 5, "point": "generic"}, 50.0, 1),
    ("reduced-rank", {"widths": "5,3,5", "rank": 1}, 8.0, 1),
    ("monomial", {"exponents": "1,2,3"}, 1 / 6, 1),
    ("monomial", {"exponents": "1,1"}, 0.5, 2),
    ("monomial", {"exponents": "1,0+0,2"}, 0.75, 1),
    ("regression", {"inputs": 3, "examples": 20}, 1.5, 1),
]


@pytest.mark.parametrize(("name", "options", "truth", "multiplicity"), KNOWN)
def test_known_systems_bring_their_truth(name, options, truth, multiplicity):
    known = systems.named(name, **options)
    assert (known.truth, known.multiplicity) == (pytest.approx(truth), multiplicity)
    assert known.source and known.population == (name != "regression")


def test_a_system_is_made_for_the_seed():
    one, other = (systems.named("regression", seed=seed).system.data[0] for seed in (1, 2))
    assert not torch.equal(one, other)


def test_nothing_is_written_before_the_arguments_are_good(tmp_path):
    known = systems.named("monomial", exponents="1,1")
    out = tmp_path / "out"
    for settings in ({"method": "exact"}, {"inverse_temperature": [1.0, 2.0]}, {"method": "volume", "draws": 3}):
        with pytest.raises(SpecError):
            learning_coefficient(known, out=out, **settings)
    with pytest.raises(InputError):
        learning_coefficient(known, checkpoints=[tmp_path / "none.pt"], out=out)
    assert not out.exists()
    out.touch()
    with pytest.raises(ResultError, match="no folder"):
        learning_coefficient(known, out=out)


def test_a_report_escapes_what_the_user_named(tmp_path):
    known = systems.regression(2, 30)
    evil = systems.Known(subjects.System("<script>alert(1)</script>", known.system.model, known.system.loss, known.system.data))
    run = learning_coefficient(evil, chains=2, draws=20, burn_in=10, out=tmp_path)
    page = run.report.read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert json.loads((tmp_path / "summary.json").read_text())["truth_source"] == ""
    assert run.table["status"].tolist() == [run.results[0].status]


def line():
    """A linear model with one weight, the truth y = 3x, and its data."""
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None]
    model = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False, dtype=torch.float64))
    with torch.no_grad():
        model[0].weight.zero_()
    return model, (x, 3 * x)


def descend(batch_size=None, seed=0):
    model, data = line()
    return training.train(
        model, squared_error(), data, steps=(0, 2, 5), batch_size=batch_size, seed=seed,
        optimiser=lambda parameters: torch.optim.SGD(parameters, lr=0.5),
    )  # fmt: skip


def test_training_is_gradient_descent_and_leaves_the_model_alone():
    model, (x, _) = line()
    run = descend()
    # w' = w − lr·(w − 3)·mean x², so that 3 − w shrinks by the same factor every step
    factor = 1 - 0.5 * float((x**2).mean())
    found = [float(state["0.weight"]) for state in run.checkpoints]
    assert run.steps == (0, 2, 5)
    assert found == pytest.approx([3 * (1 - factor**step) for step in run.steps])
    assert model[0].weight.item() == 0.0 and run.model[0].weight.item() == found[-1]


def test_batches_follow_the_seed_alone():
    ends = [descend(4, seed).model[0].weight.item() for seed in (1, 1, 2)]
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize("steps", [(), (3, 2), (-1, 2), (2, 2)])
def test_steps_that_do_not_rise_are_refused(steps):
    model, data = line()
    with pytest.raises(InputError, match="rising"):
        training.train(model, squared_error(), data, steps=steps, optimiser=torch.optim.SGD)


@pytest.mark.parametrize(("steps", "checkpoints"), [(3000, 20), (5, 6), (1, 2), (10, 5), (40, 30)])
def test_checkpoints_are_as_many_as_asked(steps, checkpoints):
    found = training.checkpoint_steps(steps, checkpoints)
    assert len(set(found)) == len(found) == checkpoints
    assert found[0] == 0 and found[-1] == steps and list(found) == sorted(found)


def test_trajectory_has_the_loss_of_each_checkpoint_and_tells_no_minimum():
    model, data = line()
    run = descend()
    table = training.trajectory(
        model, run.checkpoints, squared_error(), data, run.steps, inverse_temperature=100.0, chains=4, draws=100
    )
    assert table["step"].tolist() == list(run.steps)
    away = np.array([3 - float(state["0.weight"]) for state in run.checkpoints])
    assert table["loss"].to_numpy() == pytest.approx(away**2 / 2 * float((data[0] ** 2).mean()))
    assert table["status"].iloc[0] == "suspect" and "no minimum" in table["reasons"].iloc[0]
    assert table["value"].iloc[0] < 0
    with pytest.raises(InputError, match="2 steps for 3 checkpoints"):
        training.trajectory(model, run.checkpoints, squared_error(), data, [1, 2])


STEPS = (1e-4, 1e-3, 3e-3, 1.0)


@pytest.fixture(scope="module")
def cells():
    """L = ½(w − 3)²·mean x² at w* = 3, nβ·curvature = 1,000 · mean x²: SGLD is stable below ε = 4/that."""
    model, (x, y) = line()
    with torch.no_grad():
        model[0].weight.fill_(3.0)
    scale = 1.0 / float((x**2).mean())
    return sweep(model, squared_error(), (x, y), STEPS, [1000.0 * scale], localization=1e-3, chains=8, draws=2000)


def test_sweep_has_a_row_a_cell(cells):
    assert list(cells.columns) == [
        "step_size", "inverse_temperature", "value", "low", "high", "rhat", "effective_sample_size", "acceptance", "status",
        "reason",
    ]  # fmt: skip
    assert cells["step_size"].tolist() == list(STEPS)
    assert (cells["reason"] == "").tolist() == (cells["status"] == "ok").tolist()


def test_sweep_shows_the_error_of_a_finite_step(cells):
    """nβ E[K] = ½/(1 − εh/4) for SGLD on curvature h = nβ L'' = 1,000: 2 %, a third and a factor of 4 off, then unstable."""
    for row in cells.iloc[:3].to_dict("records"):
        truth = 0.5 / (1 - row["step_size"] * 1000 / 4)
        # λ̂ is truth·χ² of one degree: variance 2·truth² over the effective draws; five standard errors
        assert abs(row["value"] - truth) < 5 * truth * np.sqrt(2 / row["effective_sample_size"])
    assert cells["acceptance"].iloc[0] > 0.98 > cells["acceptance"].iloc[1] > cells["acceptance"].iloc[2]
    assert cells["status"].tolist() == ["ok", "suspect", "suspect", "failed"]
    assert cells["reason"].iloc[2].startswith("the step is too large") and np.isnan(cells["value"].iloc[3])


def test_sweep_refuses_empty_lists():
    model, data = line()
    for lists in (([], [1.0]), ([0.1], [])):
        with pytest.raises(InputError, match="one step size"):
            sweep(model, squared_error(), data, *lists)


def test_rows_of_verify_hold():
    assert all(row.holds for row in (*truths.formula(0), *truths.regular(0), *truths.normal_crossing(0)))


def test_a_sampler_with_a_coarse_step_fails_its_row(monkeypatch):
    """SGLD at ε = 4·10⁻⁵ and curvature 10⁴ is 1/(1 − 0.1) too large, ten times the half width of the row's interval."""
    right = truths.estimate
    monkeypatch.setattr(truths, "estimate", lambda *system, **settings: right(*system, sampler=SGLD(4e-5), **settings))
    assert not truths.regular(0)[0].holds


def test_another_singularity_fails_its_row(monkeypatch):
    monkeypatch.setattr(subjects.monomial, "monomial", lambda exponents: subjects.monomial.sum_of_monomials([(1, 0), (0, 1)]))
    assert not truths.normal_crossing(0)[0].holds
