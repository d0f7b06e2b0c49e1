"""What is wrong with a model, its loss or its data is said in one line, before anything is sampled."""

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias.errors import InputError
from slt_bias.llc.reading import read
from slt_bias.losses import squared_error

X, Y = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(20, 2)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2))


def plain(output, batch):
    return (output - batch[1]).square().sum(1)


def message(model, loss, data, **options):
    with pytest.raises(InputError) as caught:
        read(model, loss, data, **options)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 400
    return text


def test_a_problem():
    model = network()
    problem = read(model, plain, (X, Y))
    assert problem.centre.dtype == np.float64 and problem.centre.shape == (26,) and problem.examples == 20
    assert np.array_equal(problem.centre, nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy())
    assert problem.parameters == (("0.weight", (4, 3)), ("0.bias", (4,)), ("2.weight", (2, 4)), ("2.bias", (2,)))
    assert (problem.backend, problem.landscape.backend, problem.notes) == ("torch", "torch", ())
    wanted = plain(model(X), (X, Y)).mean().detach()
    assert problem.landscape.losses(problem.centre[None])[0] == pytest.approx(float(wanted), rel=1e-6)


def test_the_compiled_path_is_taken_where_it_is_known():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    problem = read(model, squared_error(), (X, Y))
    assert problem.backend == "compiled"
    general = read(model, lambda output, batch: squared_error()(output, batch), (X, Y), dtype=torch.float64)
    assert general.backend == "torch"
    for one, other in zip(*(each.landscape.gradients(problem.centre[None]) for each in (problem, general)), strict=True):
        assert np.allclose(one, other, rtol=0, atol=1e-11)


def test_the_users_model_is_not_changed():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    problem = read(model, plain, (X, Y), parameters=["0.weight"], dtype=torch.float64)
    problem.landscape.gradients(problem.centre[None] + 1)
    assert model.training and model[1].training
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert all(value.requires_grad and value.grad is None for value in model.parameters())
    assert "batch statistics are frozen at their running values: 1." in problem.notes and "dropout is off: 2." in problem.notes


def test_eval_mode_is_what_is_measured():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)).train()
    problem = read(model, plain, (X, Y), dtype=torch.float64)
    wanted = plain(model.eval()(X), (X, Y)).mean().detach()
    assert problem.landscape.losses(problem.centre[None])[0] == pytest.approx(float(wanted), rel=1e-5)


def test_chosen_parameters():
    problem = read(network(), plain, (X, Y), parameters=["2.bias", "0.weight"])
    assert [name for name, _ in problem.parameters] == ["0.weight", "2.bias"] and problem.centre.shape == (14,)
    assert "Did you mean `0.weight`?" in message(network(), plain, (X, Y), parameters=["0.wieght"])
    assert "at least one" in message(network(), plain, (X, Y), parameters=[])
    assert 'give a list, ["0.bias"]' in message(network(), plain, (X, Y), parameters="0.bias")


def test_a_tied_weight_goes_by_either_name():
    model = nn.Sequential(nn.Linear(3, 3), nn.Softplus(), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    problem = read(model, plain, (X, torch.zeros(20, 3)), parameters=["2.weight"])
    assert problem.parameters == (("0.weight", (3, 3)),)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(bad):
    model = network()
    with torch.no_grad():
        model[0].bias[1] = bad
        model[2].bias[0] = bad
    text = message(model, plain, (X, Y))
    assert "`0.bias`" in text and "1 of 4" in text and "2.bias" not in text


def test_data():
    model = network()
    assert "give a tuple" in message(model, plain, X)
    assert "data[0] has 20, data[1] has 19" in message(model, plain, (X, Y[:19]))
    assert "0 rows" in message(model, plain, (X[:0], Y[:0]))
    assert "data[1] is ndarray" in message(model, plain, (X, Y.numpy()))
    assert "single number" in message(model, plain, (X, torch.tensor(1.0)))
    spoiled = X.clone()
    spoiled[[3, 7], 1] = float("nan")
    assert "data[0]: 2 of 20 rows" in message(model, plain, (spoiled, Y)) and "row 3" in message(model, plain, (spoiled, Y))
    assert "cannot be called with data[0] (16, 2)" in message(model, plain, (X[:, :2], Y))


def test_losses():
    model = network()
    assert "shape ()" in message(model, lambda output, batch: plain(output, batch).mean(), (X, Y))
    assert "shape (16, 2)" in message(model, lambda output, batch: (output - batch[1]) ** 2, (X, Y))
    assert "with its gradient" in message(model, lambda output, batch: plain(output.detach(), batch), (X, Y))
    assert "return a torch tensor" in message(model, lambda output, batch: 1.0, (X, Y))
    assert "loss(output, batch) failed: IndexError" in message(model, lambda output, batch: batch[2], (X, Y))
    assert "random" in message(model, lambda output, batch: plain(output, batch) + torch.rand(len(output)), (X, Y))
    assert "other examples" in message(model, lambda output, batch: plain(output, batch) / len(output), (X, Y))
    assert "loss at w* is inf (row 5" in message(model, lambda o, b: plain(o, b) / (b[0][:, 0] != X[5, 0]), (X, Y))


def test_batch_statistics_that_cannot_be_frozen():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2))
    assert "`1` is a BatchNorm1d without running statistics" in message(model, plain, (X, Y))


def test_nothing_to_sample():
    assert "nothing to sample" in message(network().requires_grad_(False), plain, (X, Y))
    assert "give a torch.nn.Module" in message(lambda x: x, plain, (X, Y))


def test_a_parameter_that_does_nothing_is_noted():
    model = network()
    model.register_parameter("spare", nn.Parameter(torch.ones(2)))
    problem = read(model, plain, (X, Y))
    assert problem.notes == ("the loss does not depend on spare: these directions are flat.",)
    assert (problem.landscape.gradients(problem.centre[None])[1][0, :2] == 0).all()


def test_half_precision_is_computed_in_float32():
    problem = read(network().to(torch.bfloat16), plain, (X.to(torch.bfloat16), Y.to(torch.bfloat16)))
    assert "bfloat16" in problem.notes[0] and np.isfinite(problem.landscape.losses(problem.centre[None])[0])


class Point(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))


def test_population_loss():
    problem = read(Point(), lambda model: model.w.prod() ** 2, None)
    assert problem.examples is None and problem.landscape.gradients(problem.centre[None])[1].tolist() == [[8.0, 4.0]]
    assert "a scalar" in message(Point(), lambda model: model.w**2, None)
    assert "loss at w* is nan" in message(Point(), lambda model: (-model.w.prod()).log(), None)


def test_a_population_loss_may_offer_its_compiled_path():
    from slt_bias.subjects import superposition as toy

    point = toy.polygons(5)[0]
    system = toy.system(point.weights, point.biases, toy.OneHot(5), scale=0.5)
    problem = read(system.model, system.loss, None)
    assert problem.backend == "compiled"
    by_torch = read(system.model, lambda model: system.loss(model), None)
    assert by_torch.backend == "torch"
    places = problem.centre + 0.1 * np.random.default_rng(0).normal(size=(7, len(problem.centre)))
    for mine, theirs in zip(problem.landscape.gradients(places), by_torch.landscape.gradients(places), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)

    class Wrong:
        """Offers the landscape of another scale than its own."""

        def __call__(self, model):
            return 1.01 * system.loss(model)

        def landscape(self, model, names):
            return system.loss.landscape(model, names)

    assert read(system.model, Wrong(), None).backend == "torch"
    assert read(system.model, system.loss, None, parameters=["b"]).backend == "torch"


def test_a_square_that_its_chains_leave_gets_no_number():
    import slt_bias as sb
    from slt_bias.subjects import superposition as toy

    square = next(point for point in toy.polygons(6) if point.name == "4")
    system = toy.system(square.weights, square.biases, toy.OneHot(6), scale=0.5)
    settings = {"sampler": sb.llc.HMC(), "chains": 16, "draws": 300}
    left = sb.llc.estimate(system.model, system.loss, None, inverse_temperature=3e4, localization=1.0, **settings)
    assert left.status == "failed" and np.isnan(left.value) and left.reasons
    kept = sb.llc.estimate(system.model, system.loss, None, inverse_temperature=1e6, localization=25.0, **settings)
    assert kept.status != "failed" and abs(kept.value - 7.5) < 0.75  # 7.5 by derivation; a tenth for 16 short chains
