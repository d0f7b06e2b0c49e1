import copy
import pickle

import pytest
import torch

from slt_bias.errors import InputError
from slt_bias.subjects.monomial import monomial, sum_of_monomials


def at(system, values):
    model = copy.deepcopy(system.model)
    model.weights.data = torch.tensor(values, dtype=torch.float64)
    return system.loss(model), model


def test_values_and_gradients():
    system = monomial((1, 2))
    assert system.data is None and system.dimension == 2 and system.model.weights.dtype == torch.float64
    assert torch.equal(system.model.weights.detach(), torch.zeros(2, dtype=torch.float64))
    assert system.loss(system.model).item() == 0.0
    loss, model = at(system, [2.0, -3.0])
    assert loss.shape == () and loss.item() == 2**2 * 3**4
    gradient, = torch.autograd.grad(loss, [model.weights])
    assert gradient.tolist() == [2 * 2 * 3**4, 2**2 * 4 * (-3) ** 3]
    assert at(sum_of_monomials([(1, 0), (0, 2)]), [2.0, -3.0])[0].item() == 4 + 81
    assert at(sum_of_monomials([(1, 1), (2, 0)]), [2.0, -3.0])[0].item() == 36 + 16
    assert at(monomial((0, 1)), [7.0, 2.0])[0].item() == 4.0  # the first variable does not occur


def test_gradients_on_the_zero_set_and_in_batches():
    """The derivative at points with zeros, for many points at once, as the samplers take it."""
    system = monomial((1, 1, 1))

    def loss(weights):
        return torch.func.functional_call(system.model, {"weights": weights}, ())

    where = torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 3.0], [1.0, 2.0, 3.0]], dtype=torch.float64)
    gradients = torch.func.vmap(torch.func.grad(loss))(where)
    assert gradients.tolist() == [[0, 0, 0], [0, 0, 0], [72, 36, 24]]
    hessian = torch.func.jacrev(torch.func.grad(loss))(where[1])
    assert hessian.tolist() == [[72, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_travels_to_other_processes():
    system = pickle.loads(pickle.dumps(sum_of_monomials([(1, 0), (0, 2)])))
    assert at(system, [1.0, 1.0])[0].item() == 2.0 and system.name == "sum_of_monomials:exponents=1x0+0x2"


@pytest.mark.parametrize("rows", [[], [()], [(0, 0)], [(1, 0), (0, 0)], [(1,), (1, 2)], [(-1, 1)], [(0.5,)], 3])
def test_bad_exponents(rows):
    with pytest.raises(InputError):
        sum_of_monomials(rows)


def test_a_constant_is_no_monomial():
    with pytest.raises(InputError, match="constant"):
        monomial((0, 0))
