"""MALA's own: its proposal is SGLD's step, its ratio the one of Metropolis & Hastings. Its law: see test_samplers.py."""

import numpy as np
import pytest
import torch
from test_samplers import Quadratic, regression, short
from torch import nn

from slt_bias import streams
from slt_bias._normals_kernel import LANES, fill_words
from slt_bias.errors import InputError
from slt_bias.llc.landscapes.stack import recognise
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers import hmc
from slt_bias.llc.samplers.mala import MALA
from slt_bias.losses import squared_error


def test_mala_by_hand():
    """The first steps written out with the ratio of proposal densities, and the numbers of the streams."""
    landscape, step, beta, gamma = Quadratic(np.array([0.5, 2.0, 6.0])), 0.1, 3.0, 0.7
    centre = np.array([[0.3, -0.2, 0.1]])
    target = Posterior(landscape, centre, np.array([beta]), np.array([gamma]))
    run = MALA(step, adapt=False).sample(target, centre, draws=12, burn_in=0, seed=4, purposes=["a"], keep=True)
    noise = streams.normals(4, "a", 0, (12, 4))[:, :3].astype(float)
    words = np.empty(LANES * 12, np.uint32)
    fill_words(streams.state("uniforms", 4, "a", 0), words)
    luck = (words.reshape(12, LANES)[:, 0] + 0.5) * 2.0**-32  # the first uniform of a step decides

    def potential(w):
        return beta * landscape.losses(w[None])[0] + 0.5 * gamma * ((w - centre[0]) ** 2).sum()

    def drifted(w):
        return w - step / 2 * (beta * w * landscape.curvatures + gamma * (w - centre[0]))

    w, accepted = centre[0].copy(), 0.0
    for t in range(12):
        new = drifted(w) + np.sqrt(step) * noise[t]
        there, back = ((new - drifted(w)) ** 2).sum(), ((w - drifted(new)) ** 2).sum()
        chance = min(1.0, np.exp(potential(w) - potential(new) + (there - back) / (2 * step)))
        accepted += chance / 12
        w = new if luck[t] < chance else w
        assert np.allclose(run.positions[0, t], w, rtol=1e-12, atol=1e-14)
    assert np.isclose(run.acceptance[0], accepted, rtol=1e-10) and 0.1 < accepted < 0.99


def test_mala_compiled_and_plain_are_the_same(monkeypatch):
    rows, targets, _ = regression()
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Tanh(), nn.Linear(3, 1)).double()
    stack = recognise(model, squared_error(), (torch.as_tensor(rows), torch.as_tensor(targets)[:, None]))
    compiled = short(MALA(), stack, range(3))
    monkeypatch.setattr(hmc, "StackLandscape", type(None))
    plain = short(MALA(), stack, range(3))
    for name in ("losses", "positions", "acceptance", "step_size"):
        assert np.allclose(getattr(compiled, name), getattr(plain, name), rtol=1e-9, atol=1e-11), name
    assert 0.2 < compiled.acceptance.mean() < 0.99


def test_mala_adapts_to_the_best_acceptance_and_judges_a_step():
    landscape = Quadratic(np.ones(30))
    adapted = short(MALA(), landscape, range(50), burn_in=400, draws=200)
    # dual averaging has averaged 400 acceptances of deviation below ½, its weights fall as t^-¾: a few hundredths
    assert abs(adapted.acceptance.mean() - 0.574) < 0.04
    small = short(MALA(0.02, adapt=False), landscape, range(5), draws=100)
    large = short(MALA(1.5, adapt=False), landscape, range(5), draws=100)
    assert small.acceptance.min() > 0.98 and large.acceptance.max() < 0.2
    assert (small.step_size == 0.02).all()


def test_mala_refuses_wrong_settings():
    for wrong in (0.0, -1.0, np.nan, np.inf, [1e-3, 0.0], []):
        with pytest.raises(InputError, match="step_size"):
            MALA(wrong)
    with pytest.raises(InputError, match="adapt=False"):
        MALA(adapt=False)
    with pytest.raises(InputError, match="steps_per_draw"):
        MALA(steps_per_draw=0)
    with pytest.raises(InputError, match="2 step sizes for 3 chains"):
        short(MALA([1e-3, 1e-3]), Quadratic(np.ones(2)), range(3))
