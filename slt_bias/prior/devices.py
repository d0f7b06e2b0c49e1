"""Which device a computation runs on."""

from __future__ import annotations

from slt_bias.errors import InputError


def resolve_device(device: str) -> str:
    """The device that `auto`, `cpu` or `cuda[:k]` names. Raises InputError that lists the devices there are."""
    if device in ("auto", "cpu"):
        return "cpu"
    import torch

    there = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in there:
        raise InputError(f"device={device} is not there; this machine has {', '.join(there)}.")
    return wanted
