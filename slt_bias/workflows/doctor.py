"""What this machine is and how fast it is: what `slt-bias doctor` prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slt_bias
from slt_bias import provenance
from slt_bias.maps.mlp import MLP
from slt_bias.prior.sampling import available_cores

SECONDS = 0.8  # for each of the two speeds
MATRIX = 1024


def examine() -> dict[str, Any]:
    """Versions, devices, threads, the compiler's cache, two speeds of one core and one of each GPU.

    About three seconds, and some ten more for the first GPU, whose kernel is compiled once.

    The network of the speed test is (7, 40, 40, 1) with relu; networks_per_second counts draws that are evaluated and
    packed on one thread, matrix_gflops is a single-precision product of two 1024² matrices on the same core, and
    share_of_matrix_rate relates both by the network's own floating-point operations. device_networks_per_second holds the
    rate of each GPU, or why it has none.
    """
    import torch

    versions = provenance.collect("cpu", "compiled")
    for not_a_version in ("device", "backend", "command", "instruction_set"):
        versions.pop(not_a_version)
    first, networks = _networks_per_second()
    flops = _matrix_flops()
    needed = 2 * 128 * (7 * 40 + 40 * 40 + 40)
    return {
        "versions": versions,
        "instruction_set": provenance.instruction_set(),
        "cores": available_cores(),
        "torch_threads": torch.get_num_threads(),
        "devices": ["cpu", *(f"cuda:{k} {torch.cuda.get_device_name(k)}" for k in range(torch.cuda.device_count()))],
        "compiled_cache": _compiled_cache(),
        "first_block_seconds": round(first, 3),
        "networks_per_second": round(networks),
        "matrix_gflops": round(flops / 1e9, 1),
        "share_of_matrix_rate": round(networks * needed / flops, 3),
        "device_networks_per_second": {
            f"cuda:{k}": device_speed(f"cuda:{k}") for k in range(torch.cuda.device_count())
        },
    }


def _networks_per_second() -> tuple[float, float]:
    """(seconds of the first block, compiling included; networks a second of the later ones), one thread."""
    network = MLP(preset="valle-perez-2018-normal")
    start = time.perf_counter()
    network.draw_functions(0, 0, network.block)
    first = time.perf_counter() - start
    return first, network.block / _best(lambda: network.draw_functions(0, 1, network.block))


def device_speed(device: str, blocks: int = 256) -> int | str:
    """Networks drawn, evaluated and packed a second on a GPU by the map's kernel, or one line that says why there are none."""
    from slt_bias.maps.device import functions_on_device, has_kernel

    network = MLP(preset="valle-perez-2018-normal")
    if not has_kernel(network):
        return "triton is not installed: networks are drawn by torch here"
    work = [(block, network.block) for block in range(blocks)]
    try:
        functions_on_device(network, 0, work, device)  # compiles the kernel
        return round(blocks * network.block / _best(lambda: functions_on_device(network, 0, work, device)))
    except Exception as error:  # the doctor reports what is broken
        return (str(error).strip() or type(error).__name__).splitlines()[0]


def _matrix_flops() -> float:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        left, right = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
        return 2 * MATRIX**3 / _best(lambda: left @ right)
    finally:
        torch.set_num_threads(threads)


def _best(work: Callable[[], object]) -> float:
    """The shortest of the times that `work` takes within SECONDS: other programs on the core only make it longer."""
    stop, best = time.perf_counter() + SECONDS, float("inf")
    while time.perf_counter() < stop:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _compiled_cache() -> str:
    """Whether compiled kernels are kept between runs: without that every process compiles them again."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(slt_bias.__file__).parent
    kept = len(list(folder.rglob("*.nbi")))
    state = f"{kept} kernels kept in {folder}"
    return state if os.access(folder, os.W_OK) else f"{state}, which is not writable: set NUMBA_CACHE_DIR to a folder that is"
