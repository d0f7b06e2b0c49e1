"""Fully connected networks on a GPU: what the fused Triton kernel can take, with which precision, and its launches.

The law is the CPU's, the bits are not: draw k of block b is a function of (seed, map, b, k) alone, by Philox with a key of 64
bits from `streams.key`. How many networks a program takes, and how many blocks a launch, changes no bit of what is drawn.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.maps.base import refuse_undefined
from slt_bias.maps.network import Network

if TYPE_CHECKING:
    import torch

    from slt_bias.maps._network_triton import Plan

LARGEST_WIDTH = 128
OLDEST = (8, 0)  # compute capability: the first with bfloat16 on its tensor cores
MOST_TILES = 256  # matrix products of one network: they are unrolled, and compiling them takes time

# name → (bfloat16 parts, how float32 products are taken): see `_network_triton`. Flipped outputs of (7,40,40,1) against
# float64, by emulation on a CPU: bf16 8·10⁻⁴, tf32 1·10⁻⁴, bf16x3 1.4·10⁻⁶ (at most 3·10⁻⁶ for any activation), the others
# below 4·10⁻⁷. The default is the fastest that flips fewer than one in 10⁵; none was measured on a device.
PRECISIONS = {
    "ieee": (0, "ieee"),
    "tf32": (0, "tf32"),
    "tf32x3": (0, "tf32x3"),
    "bf16": (1, "ieee"),
    "bf16x3": (2, "ieee"),
    "bf16x6": (3, "ieee"),
}
PRECISION = "bf16x3"


@dataclass(frozen=True)
class Launch:
    """How the kernel is launched: none of it changes what is drawn, and all but `precision` leaves outputs to their last bits.

    precision : one of PRECISIONS. networks : how many a program takes, a power of two. warps : of 32 threads, a program.
    registers : the most that a thread may have, so that more programs fit on a processor; None leaves it to the compiler.
    """

    precision: str
    networks: int
    warps: int
    registers: int | None = None

    @property
    def options(self) -> dict[str, int]:
        """What Triton's compiler is told."""
        return {"num_warps": self.warps} | ({} if self.registers is None else {"maxnreg": self.registers})


def default_launch(network: Network, precision: str | None = None) -> Launch:
    """Two warps a network of up to 48 neurons a layer, more for wider ones: their activations fill the registers."""
    chosen = precision or PRECISION
    if chosen not in PRECISIONS:
        raise InputError(f"precision={chosen}: give one of {', '.join(PRECISIONS)}.")
    widest = max(network.widths)
    if widest <= 48:
        return Launch(chosen, networks=1, warps=2)
    return Launch(chosen, networks=1, warps=4 if widest <= 64 else 8)


def supported(network: Network) -> bool:
    """Whether the fused kernel takes this network; the others go to batched torch."""
    hidden = network.widths[1:-1]
    return bool(hidden) and max(network.widths) <= LARGEST_WIDTH and _tiles(network) <= MOST_TILES


def draw_words(
    network: Network,
    seed: int,
    purpose: streams.Purpose,
    blocks: Sequence[int],
    block: int,
    count: int,
    device: str,
    launch: Launch | None = None,
) -> torch.Tensor:
    """The functions of `count` draws: all `block` draws of each of `blocks`, fewer of the last.

    Returns int64 (count, ⌈points/64⌉) on the device, the bytes of `np.packbits` row by row, padded with 0 to whole words.
    Raises InputError where an output is not finite.
    """
    return _run(network, _keys(seed, purpose, blocks, device), block, count, "drawn", None, launch)


def draw_parameters(
    network: Network,
    seed: int,
    purpose: streams.Purpose,
    blocks: Sequence[int],
    block: int,
    count: int,
    device: str,
    launch: Launch | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(parameters float32 (count, size), functions) of the same draws as `draw_words`."""
    import torch

    parameters = torch.empty(count, network.size, device=device)
    return parameters, _run(network, _keys(seed, purpose, blocks, device), block, count, "recorded", parameters, launch)


def evaluate_words(network: Network, parameters: torch.Tensor, launch: Launch | None = None) -> torch.Tensor:
    """The functions of given parameters, float32 (count, size) on the device, as `draw_words` returns them."""
    import torch

    keys = torch.zeros(1, dtype=torch.int64, device=parameters.device)
    return _run(network, keys, 2**30, len(parameters), "given", parameters.float().contiguous(), launch)


def unpack_words(words: torch.Tensor, points: int) -> np.ndarray:
    """uint8 (count, ⌈points/8⌉), as in `Functions.packed`."""
    rows = words.cpu().contiguous().numpy().view(np.uint8).reshape(len(words), -1)
    return np.ascontiguousarray(rows[:, : -(-points // 8)])


def kernel_plan(network: Network, launch: Launch, block: int, mode: str) -> Plan:
    """What the kernel is compiled for. mode : drawn, recorded or given."""
    from slt_bias.maps._network_triton import Plan

    parts, dot = PRECISIONS[launch.precision]
    weight_at, bias_at = network.offsets()
    tile, input_tile = _tile(network), _input_tile(network)
    tiles = [-(-width // tile) for width in network.widths[1:-1]]
    fan_in = [-(-network.widths[0] // input_tile), *tiles[:-1]]
    vector_at = [0, *itertools.accumulate(tiles)]  # biases; last the output's bias and the weights to it
    vectors = vector_at[-1] + 1 + tiles[-1]
    return Plan(
        widths=network.widths,
        weight_at=tuple(weight_at.tolist()),
        bias_at=tuple(bias_at.tolist()),
        size=network.size,
        points=len(network.features),
        cube=network.hypercube is not None,
        has_bias=network.has_bias,
        uniform=network.uniform,
        activation=network.activation,
        layer_norm=network.layer_norm,
        block=block,
        tile=tile,
        input_tile=input_tile,
        point_tile=_point_tile(network),
        tile_at=(0, *itertools.accumulate(a * b for a, b in zip(fan_in, tiles, strict=True))),
        vector_at=tuple(vector_at),
        vectors=2 ** (-(-vectors // 4) - 1).bit_length(),
        group=max(tile, input_tile) * tile,
        networks=launch.networks,
        parts=parts,
        dot=dot,
        mode=mode,
    )


def _keys(seed: int, purpose: streams.Purpose, blocks: Sequence[int], device: str) -> torch.Tensor:
    """int64, one a block: 64 of the 128 bits of the stream's key."""
    import torch

    keys = [streams.key("philox", seed, purpose, block) & (2**64 - 1) for block in blocks]
    return torch.from_numpy(np.array(keys, np.uint64).view(np.int64)).to(device)


def _run(
    network: Network,
    keys: torch.Tensor,
    block: int,
    count: int,
    mode: str,
    parameters: torch.Tensor | None,
    launch: Launch | None,
) -> torch.Tensor:
    import torch

    from slt_bias.maps._network_triton import networks

    launch = launch or default_launch(network)
    device = keys.device
    points = len(network.features)
    packed = torch.empty(count, -(-points // 64), dtype=torch.int64, device=device)
    undefined = torch.zeros(1, dtype=torch.int32, device=device)
    cube = network.hypercube
    low, high = cube.values if cube is not None and cube.values is not None else (0, 0)
    rows = torch.zeros(1) if cube is not None else torch.tensor(network.features, dtype=torch.float32)
    plan = kernel_plan(network, launch, block, mode)
    grid = (-(-count // launch.networks), -(-points // _point_tile(network)))
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        networks[grid](
            keys, torch.from_numpy(_stds(network)).to(device), rows.to(device), undefined if parameters is None else parameters,
            packed, undefined, count, float(low), float(high - low), plan, **launch.options,
        )  # fmt: skip
    refuse_undefined(min(int(undefined), count), count)
    return packed


def _stds(network: Network) -> np.ndarray:
    """float32 (layers, 2): the standard deviation of a layer's weights and of its biases."""
    weight_at, bias_at = network.offsets()
    stds = np.zeros((len(weight_at), 2), np.float32)
    stds[:, 0] = network.scales[weight_at]
    if network.has_bias:
        stds[:, 1] = network.scales[bias_at]
    return stds


def _tile(network: Network) -> int:
    return 16 if max(network.widths[1:-1]) <= 48 else 32


def _input_tile(network: Network) -> int:
    return 16 if network.widths[0] <= 16 else 32


def _point_tile(network: Network) -> int:
    return 64 if len(network.features) <= 64 else 128


def _tiles(network: Network) -> int:
    tile = _tile(network)
    first = -(-network.widths[0] // _input_tile(network)) * -(-network.widths[1] // tile)
    return first + sum(-(-a // tile) * -(-b // tile) for a, b in itertools.pairwise(network.widths[1:-1]))
