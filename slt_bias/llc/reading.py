"""From (model, loss, data) to a landscape: everything that can be wrong with them is said here, before anything is sampled.

The user's model is neither changed nor trained: a copy in eval mode is read. So batch statistics stand at their running
values and dropout is off; the notes of the problem say so.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from slt_bias.errors import InputError, SltBiasError, nearest
from slt_bias.llc.landscapes.base import Landscape

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

FEW = 16  # examples on which the loss is tried out


@dataclass(frozen=True)
class Problem:
    """What is sampled, and around which point.

    landscape : L_n and its gradient, over flat vectors.
    centre : w*, the sampled parameters laid flat in the order of `parameters`, float64 (dimension,).
    parameters : (name, shape) of each sampled parameter, in the order of the model's named_parameters().
    examples : n, None for a population loss.
    backend : "compiled" or "torch".
    notes : what was done to the model that changes what is measured, one sentence each.
    """

    landscape: Landscape
    centre: np.ndarray
    parameters: tuple[tuple[str, tuple[int, ...]], ...]
    examples: int | None
    backend: str
    notes: tuple[str, ...] = ()


def read(
    model: nn.Module,
    loss: Callable[..., Any],
    data: tuple[Tensor, ...] | None,
    parameters: Sequence[str] | None = None,
    dtype: torch.dtype | None = None,
) -> Problem:
    """Check a model, its loss and its data, and make the landscape: compiled where the architecture is known, else torch.

    model : any torch module; a copy in eval mode is read.
    loss : loss(output, batch) → one value an example, in nats, shape (examples,); with data=None loss(model) → a scalar.
    data : tuple of tensors with a common first axis, the model's input first; None for a population loss.
    parameters : names of those that are sampled; None: all that require a gradient.
    dtype : what the torch path computes in; None: the model's own, and at least float32. The compiled path has float64.

    Raises InputError, one line each: weights, data or losses that are not finite; data without a common first axis or without
    rows; a loss of another shape, or without a gradient, or that mixes examples or is random; unknown parameters; a BatchNorm
    without running statistics.
    """
    import torch

    if not isinstance(model, torch.nn.Module):
        raise InputError(f"model is {type(model).__name__}: give a torch.nn.Module.")
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise InputError(f"dtype = {dtype}: give a floating point type such as torch.float64.")
    chosen = sampled_names(model, parameters)
    _check_weights(model)
    rows = None if data is None else _checked_data(data)
    try:
        own = copy.deepcopy(model).eval()
    except RuntimeError as error:
        raise InputError(f"the model cannot be copied: {_first_line(error)}") from None
    for name, value in own.named_parameters():
        value.requires_grad_(name in chosen)
    notes = _frozen(own)
    named = dict(own.named_parameters())
    shapes = tuple((name, tuple(named[name].shape)) for name in chosen)
    centre = torch.cat([named[name].detach().double().reshape(-1) for name in chosen]).cpu().numpy()
    own_type = named[chosen[0]].dtype
    if dtype is None and torch.finfo(own_type).bits < 32:
        dtype = torch.float32
        notes.append(f"the model is {_name(own_type)}; it is computed in float32, which holds small steps.")
    elif dtype is None and len({named[name].dtype for name in chosen}) > 1:
        dtype = torch.float64
        notes.append("the sampled parameters have several types; the model is computed in float64.")
    if dtype is not None:
        own.to(dtype)
    if rows is not None:
        rows = tuple(part.to(named[chosen[0]].device) for part in rows)
        if dtype is not None:
            rows = tuple(part.to(dtype) if part.is_floating_point() else part for part in rows)
    notes += _try_loss(own, loss, rows, chosen)
    landscape = _landscape(own, loss, rows, chosen, centre)
    _check_loss(landscape, centre)
    return Problem(landscape, centre, shapes, landscape.examples, landscape.backend, tuple(notes))


def sampled_names(model: nn.Module, parameters: Sequence[str] | None = None) -> tuple[str, ...]:
    """Names of the sampled parameters, in the order of named_parameters(); a tied weight goes by its first name.

    Raises InputError for unknown names, a list that is empty, and a model without parameters that require a gradient.
    """
    named = dict(model.named_parameters())
    if parameters is None:
        wanted = {name for name, value in named.items() if value.requires_grad}
        if not wanted:
            raise InputError("the model has no parameters that require a gradient: there is nothing to sample.")
    else:
        if isinstance(parameters, str):
            raise InputError(f'parameters = "{parameters}": give a list, ["{parameters}"].')
        first = {id(value): name for name, value in named.items()}
        every = {name: first[id(value)] for name, value in model.named_parameters(remove_duplicate=False)}
        for name in parameters:
            if name not in every:
                raise InputError(f"parameters: the model has no `{name}`.{nearest(str(name), every)}")
        wanted = {every[name] for name in parameters}
        if not wanted:
            raise InputError("parameters = []: name at least one parameter, or leave it out to sample all.")
    for name in named:
        if name in wanted and not named[name].is_floating_point():
            raise InputError(f"parameter `{name}` is {_name(named[name].dtype)}: only real floating point weights are sampled.")
    return tuple(name for name in named if name in wanted)


def _check_weights(model: nn.Module) -> None:
    for kind, tensors in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
        for name, value in tensors:
            bad = 0 if not value.is_floating_point() else int((~value.detach().isfinite()).sum())
            if bad:
                raise InputError(
                    f"{kind} `{name}` has {bad} of {value.numel()} entries that are NaN or infinite: give a checkpoint from "
                    "before training diverged."
                )


def _checked_data(data: Any) -> tuple[Tensor, ...]:
    import torch

    if isinstance(data, torch.Tensor):
        raise InputError("data is one tensor: give a tuple, such as data=(x,) or data=(x, y).")
    if not isinstance(data, tuple | list) or not data:
        raise InputError(f"data is {type(data).__name__}: give a tuple of tensors such as (x, y), or None for a population loss.")
    for place, part in enumerate(data):
        if not isinstance(part, torch.Tensor):
            raise InputError(f"data[{place}] is {type(part).__name__}: give torch tensors (torch.as_tensor makes one).")
        if part.ndim == 0:
            raise InputError(f"data[{place}] is a single number: its first axis must be the examples.")
    sizes = [len(part) for part in data]
    if len(set(sizes)) > 1:
        listed = ", ".join(f"data[{place}] has {size}" for place, size in enumerate(sizes))
        raise InputError(f"data: {listed} rows: give tensors with a common first axis.")
    if sizes[0] == 0:
        raise InputError("data has 0 rows: give at least one example.")
    for place, part in enumerate(data):
        if part.is_floating_point():
            bad = (~part.detach().isfinite()).flatten(1).any(1) if part.ndim > 1 else ~part.detach().isfinite()
            if bool(bad.any()):
                raise InputError(
                    f"data[{place}]: {int(bad.sum())} of {sizes[0]} rows have NaN or infinite entries, the first is row "
                    f"{int(bad.int().argmax())}: leave those rows out."
                )
    return tuple(part.detach() for part in data)


def _frozen(model: nn.Module) -> list[str]:
    """Notes on what eval mode froze. Raises InputError for batch statistics that it cannot freeze."""
    from torch import nn

    normalised, dropped = [], []
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.running_mean is None or module.running_var is None:
                raise InputError(
                    f"`{name}` is a {type(module).__name__} without running statistics, so that the loss of an example depends "
                    "on the others in its batch: use track_running_stats=True, or another normalisation."
                )
            normalised.append(name)
            continue
        # recurrent layers and attention have their dropout as a number
        share = getattr(module, "p" if isinstance(module, nn.modules.dropout._DropoutNd) else "dropout", 0)
        if isinstance(share, int | float) and share > 0:
            dropped.append(name)
    notes = []
    if normalised:
        notes.append(f"batch statistics are frozen at their running values: {', '.join(normalised)}.")
    if dropped:
        notes.append(f"dropout is off: {', '.join(dropped)}.")
    return notes


def _try_loss(model: nn.Module, loss: Callable[..., Any], data: tuple[Tensor, ...] | None, chosen: Sequence[str]) -> list[str]:
    """Call the loss on a few examples: its shape, its gradient, whether it is random or mixes examples. Returns notes."""
    import torch

    few = 0 if data is None else min(FEW, len(data[0]))
    values = _call(model, loss, data, few)
    if data is None and values.numel() != 1:
        raise InputError(f"data=None: loss(model) has shape {tuple(values.shape)}: return the population loss, a scalar.")
    if data is not None and tuple(values.shape) != (few,):
        raise InputError(
            f"loss(output, batch) has shape {tuple(values.shape)} for {few} examples: return one value an example, shape ({few},)"
            + (" (no mean over the batch)." if values.ndim == 0 else ".")
        )
    if not values.is_floating_point():
        raise InputError(f"the loss is {_name(values.dtype)}: return real floating point numbers, in nats.")
    if not values.requires_grad:
        raise InputError(
            f"the loss does not depend on {', '.join(chosen)} as far as autograd sees: return it with its gradient "
            "(no .detach(), .item(), torch.no_grad() or numpy on the way)."
        )
    named = dict(model.named_parameters())
    slopes = torch.autograd.grad(values.sum(), [named[name] for name in chosen], allow_unused=True)
    unused = [name for name, slope in zip(chosen, slopes, strict=True) if slope is None]
    values = values.detach()
    if not _same(_call(model, loss, data, few), values):
        raise InputError(
            "the loss is random: two calls at the same weights differ. Take the random numbers out of the model and the loss."
        )
    half = few // 2
    if half and not _same(_call(model, loss, data, half), values[:half]):
        raise InputError(
            "the loss of an example changes with the other examples of its batch: return each example's own loss (no division by "
            "the batch size, no batch statistics)."
        )
    return [f"the loss does not depend on {', '.join(unused)}: these directions are flat."] if unused else []


def _same(first: Tensor, second: Tensor) -> bool:
    """Equal to the rounding of sums taken in another order."""
    import torch

    relative = 1000 * torch.finfo(second.dtype).eps
    return first.shape == second.shape and torch.allclose(first.detach(), second, rtol=relative, atol=1e-6, equal_nan=True)


def _call(model: nn.Module, loss: Callable[..., Any], data: tuple[Tensor, ...] | None, count: int) -> Tensor:
    """The loss on the first examples; every error of the model and of the loss in one line."""
    import torch

    batch = tuple(part[:count] for part in data or ())
    with torch.enable_grad():
        try:
            output = model if data is None else model(batch[0])
        except SltBiasError:
            raise
        except Exception as error:
            raise InputError(
                f"the model cannot be called with data[0] {tuple(batch[0].shape)} {_name(batch[0].dtype)}: "
                f"{type(error).__name__}: {_first_line(error)}"
            ) from error
        try:
            values = loss(output) if data is None else loss(output, batch)
        except SltBiasError:
            raise
        except Exception as error:
            called = "loss(model)" if data is None else "loss(output, batch)"
            raise InputError(f"{called} failed: {type(error).__name__}: {_first_line(error)}") from error
    if not isinstance(values, torch.Tensor):
        raise InputError(f"the loss is {type(values).__name__}: return a torch tensor, one value an example.")
    return values


def _landscape(
    model: nn.Module, loss: Callable[..., Any], data: tuple[Tensor, ...] | None, chosen: tuple[str, ...], centre: np.ndarray
) -> Landscape:
    """The compiled path where the architecture and the loss are known, else torch.

    A population loss may have a method `landscape(model, names)` that returns its own compiled path, or None.
    """
    from slt_bias.llc.landscapes.stack import AGREEMENT, recognise
    from slt_bias.llc.landscapes.torch_landscape import TorchLandscape

    offer = getattr(loss, "landscape", None) if data is None else None
    offered = offer(model, chosen) if callable(offer) else None
    if offered is not None:
        torch_path = TorchLandscape(model, loss, data, chosen)
        beside = centre + 1e-3 * np.cos(np.arange(len(centre)))
        if all(_difference(offered, torch_path, place) <= AGREEMENT for place in (centre, beside)):
            return cast(Landscape, offered)
    return cast(Landscape, recognise(model, loss, data, chosen) or TorchLandscape(model, loss, data, chosen))


def _difference(offered: Landscape, other: Landscape, place: np.ndarray) -> float:
    """The largest difference of value and gradient, relative to the larger of 1 and the other's."""
    worst = 0.0
    for mine, theirs in zip(offered.gradients(place[None]), other.gradients(place[None]), strict=False):
        scale = max(1.0, float(np.abs(theirs).max(initial=0)))
        worst = max(worst, float(np.abs(np.asarray(mine) - np.asarray(theirs)).max(initial=0)) / scale)
    return worst


def _check_loss(landscape: Landscape, centre: np.ndarray) -> None:
    value = float(landscape.losses(centre[None])[0])
    if np.isfinite(value):
        return
    where = ""
    if landscape.examples is not None:
        bad = np.flatnonzero(~np.isfinite(landscape.example_losses(centre[None])[0]))
        where = f" (row {bad[0]} of the data first, {len(bad)} of {landscape.examples})" if len(bad) else ""
    raise InputError(f"the loss at w* is {value}{where}: it must be finite where the chains start.")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no message"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
