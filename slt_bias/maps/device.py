"""Drawing any map's functions on a GPU: networks by the fused kernel, other maps by batched torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.maps.base import PRIOR, Map
from slt_bias.maps.mlp import NetworkMember
from slt_bias.maps.network_device import OLDEST, PRECISION, draw_words, supported

if TYPE_CHECKING:
    import torch


def has_kernel(map: Map) -> bool:
    """Whether the fused kernel draws this map; it needs triton, which comes with torch for CUDA, and no GPU before Ampere."""
    if not (isinstance(map, NetworkMember) and supported(map.network) and importlib.util.find_spec("triton") is not None):
        return False
    import torch

    return not torch.cuda.is_available() or torch.cuda.get_device_capability() >= OLDEST


def backend(map: Map) -> str:
    """What draws the map on a GPU: the same text means the same bits on the same device."""
    if not has_kernel(map):
        return "torch"
    from importlib import metadata

    return f"triton {metadata.version('triton')} {PRECISION}"


def functions_on_device(map: Map, seed: int, blocks: Sequence[tuple[int, int]], device: str) -> torch.Tensor:
    """The functions of (block, draws) pairs, on the device: int64 (draws, ⌈points/64⌉), `np.packbits` order in memory.

    All but the last pair are whole blocks.
    """
    import torch

    if has_kernel(map):
        assert isinstance(map, NetworkMember)
        numbers, count = [block for block, _ in blocks], sum(draws for _, draws in blocks)
        return draw_words(map.network, seed, [PRIOR, map.spec], numbers, map.block, count, device)
    packed = [map.draw_functions(seed, block, draws, device) for block, draws in blocks]  # type: ignore[call-arg]
    return torch.from_numpy(as_words(np.concatenate(packed))).to(device)


def as_words(packed: np.ndarray) -> np.ndarray:
    """Packed functions, uint8 (count, bytes), as int64 (count, words): the same bytes, then zeros."""
    rows = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    rows[:, : packed.shape[1]] = packed
    return rows.view(np.int64)
