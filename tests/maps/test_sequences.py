"""Convolutional and recurrent maps against torch's own modules, one at a time; their laws; features against their kernels."""

import numpy as np
import pytest
import torch

from slt_bias import functions, maps, streams

SPECS = [
    "cnn", "cnn:inputs=5,layers=3,kernel=4,channels=5,activation=tanh", "cnn:inputs=4,padding=circular,kernel=4,readout=mean",
    "cnn:inputs=6,padding=circular,layers=3,kernel=2,values=pm1,activation=gaussian,bias=false", "cnn:inputs=1,kernel=1,layers=1",
    "cnn:inputs=grid-3x4,kernel=3,channels=3,law=uniform", "rnn", "rnn:inputs=5,hidden=3,values=pm1,bias=false", "rnn:inputs=1",
    "rnn:inputs=grid-5x3,preset=valle-perez-2018", "lstm", "lstm:inputs=4,hidden=5,bias=false", "lstm:inputs=grid-2x3x2,hidden=3",
]  # fmt: skip


def drawn(chosen, count):
    return chosen.parameters(torch.from_numpy(streams.normals(3, "test", 0, (count, chosen.latents))))


@pytest.mark.parametrize("spec", SPECS)
def test_outputs_are_those_of_torch_modules(spec):
    chosen = maps.parse(spec)
    check(chosen)


@pytest.mark.parametrize("family", ["cnn", "rnn", "lstm"])
def test_outputs_on_real_data(family):
    """Rows with common beginnings, so that not every value follows every beginning."""
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(11, 4))
    rows[3:7, :2] = rows[0, :2]
    check(maps.parse(family, functions.from_rows(rows)))


def check(chosen):
    parameters = drawn(chosen, 7).double()
    points = torch.tensor(chosen.inputs.points)
    outputs = chosen.outputs(parameters)
    for row, output in zip(parameters, outputs, strict=True):
        torch.testing.assert_close(chosen.module(row)(points)[:, 0].detach(), output, rtol=1e-9, atol=1e-9)
    single = chosen.outputs(parameters.float())
    assert (single - outputs).abs().max() < 1e-4 * (1 + outputs.abs().max())


@pytest.mark.parametrize("spec", ["cnn:inputs=3,channels=2,activation=tanh", "rnn:inputs=3,hidden=2", "lstm:inputs=2,hidden=2"])
def test_outputs_are_differentiable(spec):
    chosen = maps.parse(spec)
    assert torch.autograd.gradcheck(chosen.outputs, (drawn(chosen, 2).double().requires_grad_(),))


LAWS = [
    ("cnn:channels=4,weight_std=2,bias_std=0.5", {
        "0.weight": 2 / 3**0.5, "0.bias": 0.5, "1.weight": 2 / 12**0.5, "1.bias": 0.5, "readout.weight": 2 / 28**0.5,
        "readout.bias": 0.5}),
    ("cnn:channels=4,readout=mean,bias=false,layers=1,law=uniform", {"0.weight": 1 / 3**0.5, "readout.weight": 0.5}),
    ("rnn:hidden=4,weight_std=3,bias_std=2", {
        "input.weight": 3, "cell.weight": 1.5, "cell.bias": 2, "readout.weight": 1.5, "readout.bias": 2}),
    ("lstm:hidden=8,preset=valle-perez-2018", {
        "input.weight": 2**0.5, "cell.weight": 0.5, "cell.bias": 0.5, "readout.weight": 8**-0.5, "readout.bias": 8**-0.5}),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "stds"), LAWS)
def test_the_law_of_every_tensor(spec, stds):
    chosen = maps.parse(spec)
    tensors = chosen.tensors(drawn(chosen, 4000))
    assert set(tensors) == set(stds)
    for name, tensor in tensors.items():
        assert float(tensor.std()) == pytest.approx(stds[name], rel=5 / np.sqrt(2 * tensor.numel())), name
        assert abs(float(tensor.mean())) < 5 * stds[name] / np.sqrt(tensor.numel()), name
        largest = float(tensor.abs().max()) / stds[name]
        assert (largest <= np.sqrt(3) + 1e-5) == (chosen.law.distribution == "uniform")


def test_a_circular_convolution_with_mean_readout_does_not_see_rotations():
    chosen = maps.parse("cnn:inputs=5,padding=circular,readout=mean")
    values = chosen.outputs(drawn(chosen, 20)).reshape(20, 2, 2, 2, 2, 2)
    assert (values - values.permute(0, 2, 3, 4, 5, 1)).abs().max() < 1e-5 and values.std() > 0.1


def test_fourier_features_approach_the_gaussian_kernel():
    chosen = maps.parse("fourier:inputs=3,scale=0.7,features=50")
    draws = 40_000
    outputs = chosen.outputs(drawn(chosen, draws)).numpy()
    points = chosen.inputs.points
    kernel = np.exp(-0.49 / 2 * ((points[:, None] - points[None]) ** 2).sum(2))
    assert np.abs(outputs.T @ outputs / draws - kernel).max() < 5 * np.sqrt(2.2 / draws)
    rough = maps.parse("fourier:inputs=3,scale=3,features=50")
    assert np.corrcoef(rough.outputs(drawn(rough, 5000)).numpy().T)[0, 7] < 0.1


def test_fourier_draws_are_its_outputs_signs():
    chosen = maps.parse("fourier:inputs=5,values=pm1,features=9")
    normals = torch.from_numpy(streams.normals(2, ["prior", chosen.spec], 1, (500, chosen.latents)))
    parameters = chosen.parameters(normals)
    assert (chosen.draw_functions(2, 1, 500) != chosen.functions(parameters).packed).mean() < 1e-3
    w, b, a = parameters[0, :45].reshape(9, 5).double(), parameters[0, 45:54].double(), parameters[0, 54:63].double()
    exact = torch.sin(torch.tensor(chosen.inputs.points) @ w.T + b) @ a
    torch.testing.assert_close(chosen.outputs(parameters[:1].double())[0], exact)
    phases = parameters[:, 45:54].flatten().double() / np.pi
    assert phases.abs().max() < 1 and float(phases.var()) == pytest.approx(1 / 3, rel=0.06)


def test_random_features_are_a_gaussian_process_of_finite_rank():
    chosen = maps.parse("random-features:inputs=3,features=5,activation=tanh,weight_std=1.5,bias_std=0.5")
    values = chosen.feature_values
    kernel = 1.5**2 * values @ values.T / 5 + 0.25
    draws = 60_000
    outputs = chosen.outputs(drawn(chosen, draws)).numpy()
    spread = np.sqrt(np.outer(kernel.diagonal(), kernel.diagonal()) + kernel**2)
    assert (np.abs(outputs.T @ outputs / draws - kernel) < 5 * spread / np.sqrt(draws)).all()
    assert np.linalg.matrix_rank(outputs, tol=1e-3) == 6 and chosen.latents == 6
    other = maps.parse("random-features:inputs=3,features=5,activation=tanh,weight_std=1.5,bias_std=0.5,features_seed=1")
    assert np.abs(other.feature_values - values).max() > 0.1
