import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slt_bias import maps, streams
from slt_bias.errors import InputError
from slt_bias.maps.network import ACTIVATIONS

SPECS = [
    *(f"mlp:hidden=40x40,activation={name}" for name in ACTIVATIONS),
    *(f"mlp:hidden=9x6,activation={name},layer_norm=true,law=uniform" for name in ACTIVATIONS),
    "mlp:hidden=3,inputs=1",
    "mlp:hidden=1x1x1x1,inputs=2,values=pm1",
    "mlp:hidden=17x33x5,inputs=9,values=pm1,bias=false",
    "mlp:hidden=40x40,preset=valle-perez-2018",
    "mlp:hidden=8,inputs=grid-19x23",
    "mlp:hidden=5,inputs=12,weight_std=3,bias_std=0.2",
    "perceptron:inputs=8,values=pm1",
    "perceptron:inputs=3,bias=false",
    "polynomial:degree=3",
    "polynomial:degree=4,inputs=4,values=pm1,decay=0.5",
    "polynomial:degree=3,inputs=grid-5x7,law=uniform",
    "uniform:inputs=5",
]


def drawn(spec, count=400):
    chosen = maps.parse(spec)
    normals = torch.from_numpy(streams.normals(3, ["prior", chosen.spec], 2, (count, chosen.latents)))
    return chosen, chosen.parameters(normals)


@pytest.mark.parametrize("spec", SPECS)
def test_kernel_and_torch_agree(spec):
    chosen, parameters = drawn(spec)
    outputs = chosen.outputs(parameters.double()).numpy()
    table = chosen.functions(parameters)
    clear = np.abs(outputs) > 1e-5 * np.sqrt((outputs**2).mean())
    if "activation=step" in spec:  # a hidden unit within rounding of its step may fall on either side
        assert ((outputs > 0) != table.values()).mean() < 1e-3
    else:
        assert ((outputs > 0) == table.values())[clear].all()
    assert clear.mean() > 0.99 or "grid" in spec or "inputs=2" in spec or "bias=false" in spec or "step" in spec
    assert (chosen.draw_functions(3, 2, len(parameters)) == table.packed).all()


@pytest.mark.parametrize("spec", ["mlp:hidden=6x5,activation=gaussian,layer_norm=true", "mlp:hidden=4,bias=false", "perceptron"])
def test_module_is_the_same_network(spec):
    chosen, parameters = drawn(spec, 3)
    points = torch.tensor(chosen.inputs.points, dtype=torch.float64)
    for row in parameters.double():
        assert torch.allclose(chosen.module(row)(points)[:, 0], chosen.outputs(row[None])[0], atol=1e-10)


def test_outputs_are_differentiable():
    chosen, parameters = drawn("mlp:hidden=4,activation=tanh,inputs=3", 5)
    row = parameters[:2].double().requires_grad_()
    assert torch.autograd.gradcheck(chosen.outputs, (row,))


def test_kernel_activations_are_accurate():
    x = np.linspace(-30, 30, 4001, dtype=np.float32)
    from slt_bias.maps._activation_kernel import CODES, activate
    from slt_bias.maps.network import apply_activation

    for name in ACTIVATIONS:
        h = x.copy()
        activate(h, CODES[name])
        exact = apply_activation(name, torch.tensor(x, dtype=torch.float64)).numpy()
        assert np.abs(h - exact).max() < 2e-6 * max(1, np.abs(exact).max()), name


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 23), st.integers(1, 5), st.integers(0, 2**32))
def test_dense_layer(fan_in, fan_out, tiles, seed):
    from slt_bias.maps._layer_kernel import TILE, dense, rectified_dense

    rng = np.random.default_rng(seed)
    weights, bias, inputs = (
        rng.normal(size=s).astype(np.float32) for s in ((fan_out, fan_in), fan_out + 3, (fan_in, TILE * tiles))
    )
    exact = weights.astype(float) @ inputs + bias[3:, None]
    for layer, wanted in ((dense, exact), (rectified_dense, np.maximum(exact, 0))):
        out = np.full(fan_out * TILE * tiles, np.nan, np.float32)
        layer(weights.ravel(), 0, bias, 3, inputs.ravel(), 0, out, 0, fan_in, fan_out, TILE * tiles)
        assert np.abs(out.reshape(fan_out, -1) - wanted).max() < 1e-5


@pytest.mark.parametrize("features", [1, 2, 3, 4, 5, 7])
def test_first_layer_on_a_hypercube(features):
    from slt_bias.maps._layer_kernel import TILE, cube_layer

    rng = np.random.default_rng(features)
    weights, bias = rng.normal(size=(3, features)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    points = maps.parse(f"perceptron:inputs={features},values=pm1").inputs.points
    stride = max(TILE, len(points))
    scratch, jumps, out = (np.full(size, np.nan, np.float32) for size in (128, 128, 3 * stride))
    cube_layer(
        weights.ravel(), 0, bias, 0, 3, features, np.float32(-1), np.float32(2), features, 0, False, scratch, jumps, out, stride
    )
    exact = weights.astype(float) @ points.T + bias[:, None]
    assert np.abs(out.reshape(3, stride)[:, : len(points)] - exact).max() < 1e-5


def test_spaces_of_several_tiles():
    chosen, parameters = drawn("mlp:hidden=7,inputs=11,values=pm1", 20)
    outputs = chosen.outputs(parameters.double()).numpy()
    _, fused = chosen.network.evaluate(parameters.numpy(), with_outputs=True)
    assert np.abs(outputs - fused).max() < 1e-5


def test_fused_draw_matches_the_law_of_parameters():
    """Frequencies of the fused draw against independent parameters through torch, on the most frequent functions."""
    from scipy import stats

    chosen = maps.parse("mlp:hidden=6x6,inputs=3,law=uniform,weight_std=1.4")
    count = 40_000
    fused = chosen.draw_functions(0, 0, min(count, chosen.block))
    fused = np.concatenate([fused, *(chosen.draw_functions(0, b, chosen.block) for b in range(1, 3))])[:count]
    rng = np.random.default_rng(5)
    half = np.sqrt(3) * torch.from_numpy(chosen.network.scales).double()
    parameters = torch.from_numpy(rng.uniform(-1, 1, size=(count, chosen.latents))) * half
    plain = np.packbits((chosen.outputs(parameters) > 0).numpy(), axis=1)
    a, b = np.bincount(fused[:, 0], minlength=256), np.bincount(plain[:, 0], minlength=256)
    frequent = np.argsort(-(a + b))[:60]
    table = np.array([a[frequent], b[frequent]])
    table = np.column_stack([table, count - table.sum(axis=1)])
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_outputs_that_are_not_numbers_are_refused():
    wild = maps.parse("mlp:inputs=3,hidden=" + "x".join(["20"] * 50) + ",weight_std=12")
    with pytest.raises(InputError, match=r"\d+ of 50 draws gave an output that is not finite"):
        wild.draw_functions(0, 0, 50)
    broken = maps.from_module(lambda: torch.nn.Sequential(torch.nn.Linear(7, 1), NotANumber()), inputs=7)
    with pytest.raises(InputError, match="not finite"):
        broken.draw_functions(0, 0, 50)


class NotANumber(torch.nn.Module):
    def forward(self, x):
        return x * 0 / 0


def test_the_200_most_frequent_functions_of_the_papers_network():
    """The fused kernel against independent parameters drawn and evaluated by torch: χ² over 200 functions and the rest."""
    from collections import Counter

    from scipy import stats

    chosen = maps.parse("mlp:hidden=40x40,preset=valle-perez-2018-normal")
    count, scales = 60_000, torch.from_numpy(chosen.network.scales)
    generator = torch.Generator().manual_seed(7)
    plain, fused = Counter(), Counter()
    for _ in range(0, count, 1000):
        parameters = torch.randn(1000, chosen.latents, generator=generator) * scales
        rows = np.concatenate([chosen.outputs(part).numpy() > 0 for part in parameters.split(64)])
        plain.update(row.tobytes() for row in np.packbits(rows, axis=1))
    for block in range(-(-count // chosen.block)):
        rows = chosen.draw_functions(0, block, min(chosen.block, count - block * chosen.block))
        fused.update(row.tobytes() for row in rows)
    frequent = [key for key, _ in (plain + fused).most_common(200)]
    table = np.array([[counter[key] for key in frequent] for counter in (plain, fused)])
    table = np.column_stack([table, count - table.sum(axis=1)])
    assert stats.chi2_contingency(table).pvalue > 1e-4
