"""The GPU kernel under Triton's interpreter, which runs its very code in numpy on the CPU, against the plain paths."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from device_cases import DRAWS, PLAIN, ROWS, SMALL, SPECS
from scipy import stats

from slt_bias import functions, maps, prior
from slt_bias.errors import InputError
from slt_bias.maps.network_device import PRECISION, PRECISIONS, default_launch, supported, unpack_words

ROOT = Path(__file__).parents[2]
ALPHA = 1e-4  # of each test of a law; seeds are fixed


def run(command, **environment):
    given = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run([sys.executable, *command], env=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    pytest.importorskip("triton", reason="Triton is published for Linux alone")
    file = tmp_path_factory.mktemp("kernel") / "found.npz"
    run([str(Path(__file__).with_name("interpreted_kernel.py")), str(file)])
    return np.load(file)


def packed(words, points):
    return unpack_words(torch.from_numpy(words), points)


def test_philox_known_answer(found):
    """Counter 0 and key 0: the known-answer vector of Random123 (Salmon et al. 2011)."""
    assert [f"{word & 0xFFFFFFFF:08x}" for word in found["philox"]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_same_functions_for_the_parameters_drawn(found, number):
    """At most 2,560 outputs, each flipped with probability < 10⁻⁵: two flips have probability 3·10⁻⁴."""
    spec = SPECS[number]
    chosen = maps.parse(spec, functions.from_rows(ROWS)) if number == len(SPECS) - 1 else maps.parse(spec)
    expected = chosen.functions(torch.from_numpy(found[f"parameters{number}"])).packed
    drawn = packed(found[f"drawn{number}"], chosen.inputs.count)
    assert len(drawn) == 8 and np.unpackbits(drawn ^ expected).sum() <= 1
    assert (found[f"drawn{number}"] == found[f"given{number}"]).all()  # and the same as from given parameters, to the bit


def test_no_bit_depends_on_the_launch(found):
    assert (found["geometry1"] == found["geometry2"]).all() and (found["geometry1"] == found["geometry8"]).all()
    assert (found["geometry1"][8:] == found["block6"]).all()  # a block alone
    assert (found["geometry1"][:6] != found["block6"]).any(axis=1).all()  # blocks share no draws


def test_normals(found):
    """Moments of 32 · 2001 normals against their sampling errors; neighbours, quadruples and networks are uncorrelated."""
    z = found["many"] / maps.parse(PLAIN).network.scales
    size = z.size
    bound = stats.norm.isf(ALPHA / 2)
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - expected) < bound * np.sqrt(variance / size), power
    assert stats.kstest(z.ravel(), "norm").pvalue > ALPHA
    for lag in (1, 2, 3, 4, 16, 40, 256, 640):
        assert abs((z[:, lag:] * z[:, :-lag]).mean()) < bound / np.sqrt(32 * (2001 - lag)), lag
    assert abs((z[1:] * z[:-1]).mean()) < bound / np.sqrt(31 * 2001)
    assert np.abs(z).max() < 6.8


def test_uniform_law(found):
    number = next(k for k, spec in enumerate(SPECS) if "uniform" in spec)
    u = (found[f"parameters{number}"] / maps.parse(SPECS[number]).network.scales).ravel()
    assert stats.kstest(u, stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)).cdf).pvalue > ALPHA


def chi_square(one, other, cells=40):
    """p-value of two samples of functions on the `cells` most frequent functions of `other`, and the rest as one cell."""
    keys, counts = np.unique(other, axis=0, return_counts=True)
    top = keys[np.argsort(-counts)[:cells]]
    tables = [[(rows == key).all(axis=1).sum() for key in top] for rows in (one, other)]
    table = np.array([[*row, len(rows) - sum(row)] for row, rows in zip(tables, (one, other), strict=True)])
    return stats.chi2_contingency(table).pvalue


def test_same_law_as_on_the_cpu(found):
    chosen = maps.parse(SMALL)
    cpu = np.concatenate([chosen.draw_functions(7, block, chosen.block) for block in range(8)])
    drawn, broken = packed(found["small"], 8), packed(found["broken"], 8)
    assert len(drawn) == DRAWS
    assert chi_square(drawn, cpu) > ALPHA
    assert chi_square(broken, cpu) < ALPHA  # weights 1.3 times too large


def test_precisions(found):
    """4,096 outputs: bf16 flips about 8·10⁻⁴ of them, tf32's rounding the interpreter leaves out, the others 10⁻⁶ or less."""
    chosen = maps.parse(PLAIN)
    parameters = torch.from_numpy(found["many"]).double()
    expected = np.packbits((chosen.outputs(parameters) > 0).numpy(), axis=1)
    flips = {name: int(np.unpackbits(packed(found[name], 128) ^ expected).sum()) for name in PRECISIONS}
    assert all(count <= 1 for name, count in flips.items() if name != "bf16"), flips
    assert 0 < flips["bf16"] <= 60, flips  # the interpreter cuts bfloat16 off instead of rounding: up to four times as many


def flip_rate(parts):
    """Flipped outputs a million of (7,40,40,1) ReLU against float64, factors of products cut into bfloat16 parts."""
    chosen = maps.parse(PLAIN)
    normals = torch.randn(4000, chosen.latents, generator=torch.Generator().manual_seed(0))
    parameters = chosen.parameters(normals)
    weight_at, bias_at = chosen.network.offsets()

    def cut(x):
        pieces = []
        for _ in range(parts):
            pieces.append(x.bfloat16().float())
            x = x - pieces[-1]
        return pieces

    h = torch.tensor(chosen.inputs.points, dtype=torch.float32)
    for layer, (fan_in, width) in enumerate(((7, 40), (40, 40))):
        weights = parameters[:, weight_at[layer] : weight_at[layer] + fan_in * width].reshape(-1, width, fan_in).mT.contiguous()
        a, b = cut(h), cut(weights)
        pairs = [(i, j) for i in range(parts) for j in range(parts) if i + j < parts]
        h = torch.relu(sum(a[i] @ b[j] for i, j in pairs) + parameters[:, None, bias_at[layer] : bias_at[layer] + width])
    signs = (h @ parameters[:, weight_at[2] : weight_at[2] + 40, None])[..., 0] + parameters[:, bias_at[2], None] > 0
    return 1e6 * float((signs != (chosen.outputs(parameters.double()) > 0)).double().mean())


def test_the_default_flips_fewer_than_one_output_in_100_000():
    """By emulation of the roundings, on 512,000 outputs: the products of bfloat16 numbers are exact in float32."""
    assert PRECISIONS[PRECISION][0] == 2
    assert flip_rate(2) < 10
    assert flip_rate(1) > 300


def compiled(folder, *arguments):
    pytest.importorskip("triton", reason="Triton is published for Linux alone")
    return json.loads(run([str(ROOT / "benchmarks" / "gpu.py"), "--compile", *arguments], TRITON_CACHE_DIR=str(folder)))


def test_compiles_for_a_hopper_gpu_without_spilling(tmp_path):
    report = compiled(tmp_path, PLAIN, "--precision", PRECISION)[PRECISION]
    assert report["spilled_bytes"] == 0 and report["registers"] <= 255
    assert report["tensor_core_instructions"] == 264  # ⌈40/16⌉·(1·2 + ⌈40/16⌉·3) products of 16×16 tiles, 8 instructions a warp


def test_every_precision_compiles(tmp_path):
    """The interpreter runs the same source, yet where a branch returns early the compiler may build something else."""
    products = {name: report["tensor_core_instructions"] for name, report in compiled(tmp_path, SMALL).items()}
    assert products["ieee"] == 0 < products["tf32"] < products["tf32x3"] and products.keys() == PRECISIONS.keys()
    assert products["bf16x3"] == 2 * products["bf16"] and products["bf16x6"] == 3 * products["bf16"]  # one exact factor


def test_what_the_kernel_takes():
    assert supported(maps.parse("mlp:hidden=128x128").network)
    for spec in ("perceptron", "polynomial", "mlp:hidden=129", "mlp:hidden=" + "x".join(["40"] * 40)):
        assert not supported(maps.parse(spec).network)
    with pytest.raises(InputError, match="bf16x3"):
        default_launch(maps.parse("mlp").network, "fp8")


def test_other_maps_by_torch_on_a_device():
    for spec in ("perceptron:inputs=4", "transformer:inputs=3,width=4,heads=1", "tree:inputs=3"):
        chosen = maps.parse(spec)
        expected = chosen.draw_functions(0, 1, 40)
        differing = np.unpackbits(chosen.draw_functions(0, 1, 40, "cpu:0") ^ expected).sum()
        assert differing <= 1, spec  # the same parameters; a sum in another order may flip one output in 10⁵
    assert prior.devices.resolve_device("auto", maps.parse("mlp"), 10**9) in ("cpu", "cuda:0")


def test_the_doctor_measures_a_gpu_or_says_why_not():
    from slt_bias.workflows.doctor import device_speed

    found = device_speed("cuda:0", blocks=2)
    assert (isinstance(found, int) and found > 0) if torch.cuda.is_available() else (isinstance(found, str) and "\n" not in found)
