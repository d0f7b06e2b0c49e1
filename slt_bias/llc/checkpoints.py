"""Checkpoints of a model: state dicts from safetensors or torch files, never code.

A torch file is a pickle, which can hold code; it is read with weights_only=True, which refuses code instead of running it.
"""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias.errors import InputError
from slt_bias.llc.reading import sampled_names

if TYPE_CHECKING:
    from torch import Tensor, nn

State = Mapping[str, "Tensor"]
Checkpoint = State | str | os.PathLike
NESTED = ("state_dict", "model_state_dict")


def load(path: str | os.PathLike) -> dict[str, Tensor]:
    """The state dict of a safetensors or torch file, on the CPU; one that is nested under (model_)state_dict is taken out.

    Raises InputError, with the path: no such file, a directory, an empty or truncated file, no checkpoint, a pickle with code
    (nothing of which is run).
    """
    place = Path(path)
    if place.is_dir():
        raise InputError(f"{place} is a directory: give the checkpoint file itself.")
    try:
        with open(place, "rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise InputError(f"{place}: no such checkpoint file.") from None
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}.") from None
    if not start:
        raise InputError(f"{place} is empty (0 bytes): save the checkpoint again.")
    tensors = _safetensors(place) if _is_safetensors(place, start) else _torch(place, start)
    return _state(tensors, str(place))


def fit(model: nn.Module, state: State, where: str = "checkpoint") -> dict[str, Tensor]:
    """The state, checked against the model: every parameter and buffer is there, has its shape and is finite.

    Raises InputError that lists all missing, unexpected and mis-shaped keys in one line, or names the first NaN.
    """
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in state]
    unexpected = [name for name in state if name not in wanted]
    shapes = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and hasattr(wanted[name], "shape") and tuple(state[name].shape) != tuple(wanted[name].shape)
    ]
    kinds = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    wrong = [f"{kind}: {', '.join(found)}" for kind, found in kinds if found]
    if wrong:
        raise InputError(f"{where} does not fit the model: {'; '.join(wrong)}. Give a checkpoint of this architecture.")
    for name, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise InputError(f"{where}: `{name}` has NaN or infinite entries: give a checkpoint from before training diverged.")
    return dict(state)


def read_many(
    model: nn.Module,
    checkpoints: Mapping[str, Checkpoint] | Sequence[Checkpoint],
    parameters: Sequence[str] | None = None,
) -> np.ndarray:
    """The sampled parameters of c checkpoints laid flat, float64 (c, dimension), in the order of reading.read.

    checkpoints : state dicts or paths, a sequence or a mapping name → either. parameters : as in reading.read.
    What is not sampled (frozen parameters, buffers) is taken from the model for all checkpoints; so it must agree.

    Raises InputError for no checkpoints, one that does not fit, and one whose frozen part differs from the model's.
    """
    import torch

    if isinstance(checkpoints, str | os.PathLike):
        raise InputError("checkpoints is one path: give a list of checkpoints.")
    if isinstance(checkpoints, Mapping):
        if any(isinstance(value, torch.Tensor) for value in checkpoints.values()):
            raise InputError("checkpoints is one state dict: give a list of them, or a mapping from names to them.")
        listed = [(f"checkpoint `{name}`", value) for name, value in checkpoints.items()]
    else:
        listed = [(f"checkpoint {number}", value) for number, value in enumerate(checkpoints)]
    if not listed:
        raise InputError("checkpoints is empty: give at least one.")
    chosen = sampled_names(model, parameters)
    wanted = model.state_dict()
    tied = {id(value): name for name, value in model.named_parameters()}
    owner = {name: tied.get(id(value), name) for name, value in model.named_parameters(remove_duplicate=False)}
    rows = []
    for where, value in listed:
        if isinstance(value, str | os.PathLike):
            where, value = f"{where} ({value})", load(value)
        state = fit(model, _state(value, where), where)
        for name, tensor in wanted.items():
            if name.endswith("num_batches_tracked"):
                continue  # counts training steps; nothing in eval mode reads it
            sampled = owner.get(name, name) in chosen
            # a sampled weight under a second name must be the same weight; what is frozen must be the model's
            same = state[owner.get(name, name)] if sampled else tensor
            if hasattr(same, "shape") and not torch.equal(state[name].to(same), same):
                if sampled:
                    raise InputError(f"{where}: `{name}` differs from `{owner[name]}`, to which the model ties it.")
                raise InputError(
                    f"{where}: `{name}` is not sampled and differs from the model's: load this checkpoint into a model of "
                    "its own and measure it alone."
                )
        rows.append(torch.cat([state[name].detach().double().cpu().reshape(-1) for name in chosen]).numpy())
    return np.stack(rows)


def _is_safetensors(place: Path, start: bytes) -> bool:
    """A safetensors file begins with the length of its header, little-endian in 8 bytes, and the header is JSON."""
    return place.suffix == ".safetensors" or (len(start) > 8 and start[8:9] == b"{")


def _safetensors(place: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(place)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{place} is truncated or is no safetensors file ({_line(error)}): save it again.") from None


def _torch(place: Path, start: bytes) -> Any:
    import pickle

    import torch

    if start[:2] == b"PK" and not zipfile.is_zipfile(place):
        raise InputError(f"{place} is truncated: save the checkpoint again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols: what cannot be read is said below
            return torch.load(place, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error) or "class" in str(error):
            raise InputError(
                f"{place} holds code or objects other than tensors, which are never loaded: save the state dict with "
                "safetensors.torch.save_file, or torch.save(model.state_dict(), …)."
            ) from None
        raise InputError(f"{place} is truncated or is no checkpoint: {_line(error)}") from None
    except Exception as error:  # torch reads broken files with errors of many types
        raise InputError(f"{place} is truncated or is no checkpoint ({type(error).__name__}: {_line(error)}).") from None


def _state(found: Any, where: str) -> dict[str, Tensor]:
    """The tensors by name, out of {"state_dict": …} where they are nested."""
    import torch

    if isinstance(found, Mapping):
        for name in NESTED:
            if isinstance(found.get(name), Mapping):
                found = found[name]
                break
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"{where} holds {type(found).__name__}, no state dict: save model.state_dict().")
    for name, value in found.items():
        if not isinstance(value, torch.Tensor):
            raise InputError(f"{where}: `{name}` is {type(value).__name__}, no tensor: save model.state_dict().")
    return dict(found)


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
