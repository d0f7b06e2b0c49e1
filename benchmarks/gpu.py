"""The fused kernel on a GPU: rates, precision, counting, agreement with the CPU; what compiles where there is none.

Run: .venv/bin/python benchmarks/gpu.py [--quick]           everything, on the first GPU; without one it says so
     .venv/bin/python benchmarks/gpu.py --compile [SPEC]    no GPU needed: the kernel compiled for sm_90, as JSON,
                                                            in each precision
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from slt_bias import maps, prior
from slt_bias.maps.network_device import (
    PRECISION,
    PRECISIONS,
    Launch,
    default_launch,
    draw_parameters,
    draw_words,
    evaluate_words,
    kernel_plan,
    unpack_words,
)

RELU = "mlp:hidden=40x40,preset=valle-perez-2018-normal"
FLOP = 2 * (7 * 40 + 40 * 40 + 40) * 128  # a network's multiplications and additions
TENSOR_PEAK = 989e12  # dense bfloat16, by the data sheet of the H200
ISSUE_PEAK = 132 * 4 * 1.98e9  # warp instructions a second: 4 a clock on each of 132 processors
ARGUMENTS = {
    "keys": "*i64", "stds": "*fp32", "points": "*fp32", "parameters": "*i32", "packed": "*i64", "undefined": "*i32",
    "count": "i32", "low": "fp32", "step": "fp32", "PLAN": "constexpr",
}  # fmt: skip


def compiled(spec: str, launch: Launch | None = None) -> dict:
    """Registers, shared memory, spills and instructions of the kernel for a Hopper GPU, by Triton's own ptxas."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from slt_bias.maps._network_triton import networks

    chosen = maps.parse(spec)
    launch = launch or default_launch(chosen.network)  # type: ignore[attr-defined]
    plan = kernel_plan(chosen.network, launch, chosen.block, "drawn")  # type: ignore[attr-defined]
    start = time.perf_counter()
    source = ASTSource(networks, ARGUMENTS, {"PLAN": plan})
    kernel = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=launch.options)
    seconds = time.perf_counter() - start
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        usage, sass = (
            subprocess.run([tool, option, file.name], capture_output=True, text=True, check=True).stdout
            for option in ("--dump-resource-usage", "--dump-sass")
        )
    names = Counter(re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ )?([A-Z][A-Z0-9]*)", sass))
    names.pop("NOP", None)
    instructions = names.total() * launch.warps / launch.networks
    return {
        "spec": chosen.spec,
        "launch": launch.__dict__,
        "compile_seconds": round(seconds, 1),
        "registers": int(re.findall(r"REG:(\d+)", usage)[0]),
        "spilled_bytes": int(re.findall(r"STACK:(\d+)", usage)[0]),
        "shared_bytes": kernel.metadata.shared,
        "tensor_core_instructions": names["HMMA"] + names["HGMMA"],
        "warp_instructions_a_network": round(instructions),
        "estimated_seconds_of_1e9_at_full_issue_rate": round(1e9 * instructions / ISSUE_PEAK, 1),
    }


def seconds_of(work: Callable[[], object], repeats: int = 3) -> float:
    """The best of several runs, each until the device is done."""
    work()
    best = float("inf")
    for _ in range(repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def rate(spec: str, launch: Launch | None = None, draws: int = 2**24) -> float:
    """Networks drawn, evaluated and packed a second."""
    chosen = maps.parse(spec)
    network, blocks = chosen.network, range(draws // chosen.block)  # type: ignore[attr-defined]

    def work() -> None:
        draw_words(network, 0, ["prior", chosen.spec], blocks, chosen.block, draws, "cuda:0", launch)

    return draws / seconds_of(work)


def torch_rate(batch: int, dtype: torch.dtype) -> float:
    """Plain torch on the same GPU: networks of the same law in batches, drawn by its own generator."""
    device = "cuda:0"
    chosen = maps.parse(RELU)
    scales = torch.from_numpy(chosen.network.scales).to(device)  # type: ignore[attr-defined]
    points = torch.tensor(chosen.inputs.points, dtype=dtype, device=device).expand(batch, -1, -1)
    weights_of_bits = (1 << (torch.arange(64, device=device) ^ 7)).to(torch.int64)

    def work() -> torch.Tensor:
        w = torch.randn(batch, 2001, device=device).mul_(scales).to(dtype)
        h = torch.baddbmm(w[:, None, 280:320], points, w[:, :280].view(batch, 7, 40)).relu_()
        h = torch.baddbmm(w[:, None, 1920:1960], h, w[:, 320:1920].view(batch, 40, 40)).relu_()
        z = torch.baddbmm(w[:, None, 2000:], h, w[:, 1960:2000, None])[..., 0]
        return ((z > 0).view(batch, 2, 64) * weights_of_bits).sum(dim=2)

    return batch / seconds_of(work)


def flips(precision: str, networks: int = 200_000) -> float:
    """The fraction of outputs whose sign differs from float64's, for the same parameters."""
    chosen = maps.parse(RELU)
    network = chosen.network  # type: ignore[attr-defined]
    differing = 0
    for block in range(-(-networks // 10_000)):
        parameters, _ = draw_parameters(network, 1, "flips", [block], 10_000, 10_000, "cuda:0", Launch("ieee", 1, 2))
        words = evaluate_words(network, parameters, default_launch(network, precision))
        signs = (network.outputs(parameters.double()) > 0).cpu().numpy()
        differing += int(np.unpackbits(unpack_words(words, 128) ^ np.packbits(signs, axis=1)).sum())
    return differing / (-(-networks // 10_000) * 10_000 * 128)


def agreement(draws: int) -> str:
    """The CPU's draws against the GPU's: chi-square of the 200 most frequent functions of a third sample, constants, distinct."""
    from scipy import stats

    cpu, gpu = (prior.sample(RELU, draws, seed=11, device=device) for device in ("cpu", "cuda"))
    top = prior.sample(RELU, draws // 4, seed=12, device="cpu").functions[:200]
    tables = [[counts.of(function) for function in top.strings()] for counts in (cpu, gpu)]
    table = np.array([[*row, draws - sum(row)] for row in tables])
    constants = [max(counts.of("0" * 128), counts.of("1" * 128)) / draws for counts in (cpu, gpu)]
    p = stats.chi2_contingency(table).pvalue
    return (
        f"{draws:,} draws each: chi-square of the 200 most frequent p = {p:.3g}; P of the likelier constant {constants[0]:.5f} "
        f"and {constants[1]:.5f}; distinct functions {cpu.distinct:,} and {gpu.distinct:,}"
    )


def main() -> None:
    """Print what was measured, or that nothing was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10^8 samples in place of 10^9, 10^6 draws on the CPU")
    parser.add_argument("--compile", nargs="?", const=RELU, metavar="SPEC", help="compile for sm_90 without a GPU")
    parser.add_argument("--precision", nargs="+", default=list(PRECISIONS), choices=PRECISIONS, help="for --compile")
    options = parser.parse_args()
    if options.compile:
        network = maps.parse(options.compile).network  # type: ignore[attr-defined]
        print(json.dumps({name: compiled(options.compile, default_launch(network, name)) for name in options.precision}))
        return
    if not torch.cuda.is_available():
        print("no GPU here: not measured")
        return
    samples = 10**8 if options.quick else 10**9
    print(f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}; (7,40,40,1) ReLU on {{0,1}}^7")
    ours = rate(RELU)
    print(f"drawn, evaluated, packed ({PRECISION}): {ours:,.0f} a second; 10^9 in {1e9 / ours:.1f} s (goal 10)")
    print(f"  fraction of the tensor cores' peak, by the network's own operations: {ours * FLOP / TENSOR_PEAK:.3f}")
    batches = [(batch, dtype) for batch in (2**12, 2**14, 2**16) for dtype in (torch.float32, torch.bfloat16)]
    torch.backends.cuda.matmul.allow_tf32 = True
    best = max(torch_rate(batch, dtype) for batch, dtype in batches)
    print(f"best batched torch: {best:,.0f} a second; ratio {ours / best:.1f} (goal 20)")
    network = maps.parse(RELU).network  # type: ignore[attr-defined]
    for precision in PRECISIONS:
        speed, flipped = rate(RELU, default_launch(network, precision)), flips(precision)
        print(f"  {precision:8s} {speed:14,.0f} a second   {flipped:.1e} of the outputs flipped (the default: below 1e-5)")
    for warps, registers in ((1, None), (2, None), (2, 200), (2, 168), (2, 128), (4, None), (4, 96), (8, None)):
        speed = rate(RELU, Launch(PRECISION, 1, warps, registers))
        print(f"  {warps} warps a program, at most {registers or 255} registers a thread: {speed:,.0f} a second")
    activations = ("tanh", "erf", "gelu", "sin", "gaussian", "step")
    for spec in (*(f"mlp:activation={name}" for name in activations), "mlp:hidden=128x128"):
        print(f"  {spec:26s} {rate(spec, draws=2**20):14,.0f} a second")
    start = time.perf_counter()
    counts = prior.sample(RELU, samples, seed=0, device="cuda")
    seconds = time.perf_counter() - start
    print(f"{samples:,} drawn and counted: {seconds:.1f} s (goal 30 for 10^9), {counts.distinct:,} functions")
    print(agreement(10**6 if options.quick else 10**7))


if __name__ == "__main__":
    main()
