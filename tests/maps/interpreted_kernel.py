"""Run by test_network_device.py in a process of its own: Triton's interpreter must be chosen before triton is imported.

Writes what the kernel draws and computes to the .npz file named on the command line.
"""

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
import triton
import triton.language as tl
from device_cases import DRAWS, PLAIN, ROWS, SMALL, SPECS

from slt_bias import functions, maps
from slt_bias._normals_triton import words
from slt_bias.maps import network_device
from slt_bias.maps.network_device import PRECISION, PRECISIONS, Launch, draw_parameters, draw_words, evaluate_words


@triton.jit
def philox(out, keys):
    zero = tl.arange(0, 1)
    a, b, c, d = words(tl.load(keys), zero, zero)
    for word, at in ((a, 0), (b, 1), (c, 2), (d, 3)):
        tl.store(out + at + zero, word.to(tl.int64))


def main() -> None:
    found = {}
    first = torch.zeros(4, dtype=torch.int64)
    philox[(1,)](first, torch.zeros(1, dtype=torch.int64))
    found["philox"] = first.numpy()
    for number, spec in enumerate(SPECS):
        chosen = maps.parse(spec, functions.from_rows(ROWS)) if number == len(SPECS) - 1 else maps.parse(spec)
        arguments = (chosen.network, 3, ["test", spec], [5], 8, 8, "cpu")
        parameters, drawn = draw_parameters(*arguments, Launch(PRECISION, 8, 2))
        found[f"parameters{number}"], found[f"drawn{number}"] = parameters.numpy(), drawn.numpy()
        found[f"given{number}"] = evaluate_words(chosen.network, parameters, Launch(PRECISION, 4, 4)).numpy()
    chosen = maps.parse(PLAIN)
    for networks in (1, 2, 8):  # blocks 5 and 6 of 8 draws, the second not whole
        drawn = draw_words(chosen.network, 3, "test", [5, 6], 8, 14, "cpu", Launch("bf16x3", networks, networks))
        found[f"geometry{networks}"] = drawn.numpy()
    found["block6"] = draw_words(chosen.network, 3, "test", [6], 8, 6, "cpu", Launch("bf16x3", 8, 1)).numpy()
    parameters, _ = draw_parameters(chosen.network, 4, "test", [0], 16384, 32, "cpu", Launch("ieee", 32, 1))
    found["many"] = parameters.numpy()
    for precision in PRECISIONS:
        found[precision] = evaluate_words(chosen.network, parameters, Launch(precision, 32, 1)).numpy()
    small = maps.parse(SMALL)
    arguments = (small.network, 1, ["prior", small.spec], [0], small.block, DRAWS, "cpu", Launch("bf16x3", 1024, 1))
    found["small"] = draw_words(*arguments).numpy()
    true_stds = network_device._stds
    network_device._stds = lambda network: true_stds(network) * np.float32([1.3, 1.0])  # weights 1.3 times too large
    found["broken"] = draw_words(*arguments).numpy()
    np.savez(sys.argv[1], **found)


if __name__ == "__main__":
    main()
