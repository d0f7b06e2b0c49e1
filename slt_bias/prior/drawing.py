"""Who draws blocks of a map: threads for compiled maps, processes for torch maps, a GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias.prior.worker import WorkerMap, can_rebuild

if TYPE_CHECKING:
    import torch

    from slt_bias.maps.base import Map

LAUNCH = 2**22  # draws a launch of the fused kernel: enough to fill a GPU, and 64 MB of functions of 128 points
TORCH_BLOCKS = 16  # blocks of other maps between two looks at Ctrl-C


@dataclass(frozen=True)
class Drawer:
    """draw : (block, draws) pairs → functions, as the tally takes them. at_once : how many pairs it takes at most."""

    draw: Callable[[Sequence[tuple[int, int]]], Any]
    at_once: int = 1


@contextlib.contextmanager
def drawers(map: Map, seed: int, device: str, workers: int) -> Iterator[list[Drawer]]:
    """One drawer a worker: threads share a compiled map, torch maps get a process each; a GPU has one."""
    if device != "cpu":
        yield [_on_device(map, seed, device)]
    elif map.compiled:
        yield [Drawer(lambda blocks: map.draw_functions(seed, *blocks[0]))] * workers
    elif workers > 1 and can_rebuild(map):
        processes = [WorkerMap(map, seed) for _ in range(workers)]
        try:
            yield [_of_process(process) for process in processes]
        finally:
            for process in processes:
                process.close()
    else:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in a worker process: the same bits
        try:
            yield [Drawer(lambda blocks: map.draw_functions(seed, *blocks[0]))]
        finally:
            torch.set_num_threads(threads)


def _of_process(process: WorkerMap) -> Drawer:
    return Drawer(lambda blocks: process.draw(*blocks[0]))


def _on_device(map: Map, seed: int, device: str) -> Drawer:
    """Draws on a GPU; out of memory halves the number of blocks at once, which changes no draw."""
    from slt_bias.maps import device as on_device
    from slt_bias.maps.halving import Halving

    at_once = max(1, LAUNCH // map.block) if on_device.has_kernel(map) else TORCH_BLOCKS
    launch = Halving(at_once)

    def draw(blocks: Sequence[tuple[int, int]]) -> torch.Tensor:
        import torch

        def piece(start: int, stop: int) -> torch.Tensor:
            return on_device.functions_on_device(map, seed, blocks[start:stop], device)

        return torch.cat(list(launch.pieces(piece, len(blocks))))

    return Drawer(draw, at_once)


def packed(map: Map, drawn: np.ndarray | torch.Tensor) -> np.ndarray:
    """What a drawer returned, as packed functions on the host."""
    if isinstance(drawn, np.ndarray):
        return drawn
    from slt_bias.maps.network_device import unpack_words

    return unpack_words(drawn, map.inputs.count)
