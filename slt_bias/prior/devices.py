"""Which device a computation runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.errors import InputError

if TYPE_CHECKING:
    from slt_bias.maps.base import Map

PAYS_FROM = 10_000_000  # draws: below, the processor is done before the kernel is compiled and the GPU is warm


def resolve_device(device: str, map: Map | None = None, samples: int = 0) -> str:
    """The device that `auto`, `cpu` or `cuda[:k]` names. Raises InputError that lists the devices there are.

    `auto` is the first GPU where there is one, the fused kernel takes the map and there are PAYS_FROM draws or more; else
    the CPU.
    """
    if device == "cpu" or (device == "auto" and not _could_pay(map, samples)):
        return "cpu"
    import torch

    there = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    if device == "auto":
        return there[1] if len(there) > 1 else "cpu"
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in there:
        raise InputError(f"device={device} is not there; this machine has {', '.join(there)}.")
    return wanted


def _could_pay(map: Map | None, samples: int) -> bool:
    if map is None or samples < PAYS_FROM:
        return False
    from slt_bias.maps.device import has_kernel

    return has_kernel(map)
