"""`estimate` and `estimate_many`: the local learning coefficient of any torch model, with its interval and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.llc.calibration import Calibration
from slt_bias.llc.checkpoints import read_many
from slt_bias.llc.fast import Plan, run_fast
from slt_bias.llc.reading import Problem, read
from slt_bias.llc.reference import run_reference
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.samplers.base import Sampler
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.temperature import check_size, inverse_temperature_of, localization_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

METHODS = ("fast", "reference")
BURN_IN = 0.5  # of the draws


def estimate(
    model: nn.Module,
    loss: Any,
    data: tuple[Tensor, ...] | None,
    *,
    method: Literal["fast", "reference"] = "fast",
    sampler: Sampler | None = None,
    inverse_temperature: float | Sequence[float] | None = None,
    localization: float | None = None,
    chains: int = 8,
    draws: int = 1000,
    burn_in: int | None = None,
    parameters: Sequence[str] | None = None,
    rows: Sequence[int] | None = None,
    calibration: Calibration | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> LearningCoefficient:
    """The local learning coefficient of `model` at its present weights w* (Lau et al. 2023, arXiv 2308.12108).

        λ̂(w*) = nβ·(E[L_n(w)] − L_n(w*)),   w ~ exp(−nβ L_n(w) − (γ/2)‖w − w*‖²)

    model : any torch.nn.Module, taken in eval mode; it is copied, never changed.
    loss, data : loss(output, batch) gives one value an example in nats (see `losses`), data is a tuple of tensors with a common
        first axis, the model is called with the first. data=None: a population loss, loss(model) is one number.
    method : "fast": one temperature, a stochastic-gradient thermostat, checked against a corrected sampler. "reference": HMC over
        a ladder of temperatures; gives m and the limit λ where the loss at w* is 0 or the loss is a population loss.
    sampler : a sampler with its settings in the place of the calibrated one (`reference` takes an HMC).
    inverse_temperature : nβ; None: n/ln n. A sequence with method="reference"; None there: the method's own ladder.
    localization : γ; None: 1.
    chains, draws, burn_in : independent chains; draws of each that are kept, and before them thrown away (None: half of the
        draws). Every chain starts at w*. `reference` adds up to five times as many draws while m is open.
    parameters : names of those that are sampled, the others stay (weight-refined); None: all with requires_grad.
    rows : examples that L_n is taken over (data-refined: Wang et al. 2024, arXiv 2410.02984); None: all.
    calibration : from `calibrate`, in the place of a new pilot run.
    The interval is that of the chains, conditional on the data; `data_spread` says how much data sets differ.
    Raises InputError (model, loss, data or settings that cannot be used), SpecError (an unknown method or parameter name).

    >>> result = estimate(model, squared_error(), (x, y))
    >>> print(result)
    """
    problem = read(model, loss, _rows_of(data, rows), parameters, _precision(method))
    burn_in = _burn_in(burn_in, draws, method)
    check_size(chains, draws, burn_in, confidence)
    gamma = localization_of(localization)
    if method == "reference":
        if sampler is not None and not isinstance(sampler, HMC):
            raise InputError(f"method='reference' samples with HMC, not {type(sampler).__name__}: leave sampler out.")
        return run_reference(
            problem.landscape, problem.centre, inverse_temperature=inverse_temperature, localization=gamma, chains=chains,
            draws=draws, burn_in=burn_in, confidence=confidence, seed=seed, sampler=sampler or HMC(), notes=problem.notes,
            progress=progress,
        )  # fmt: skip
    plan, sampler = _plan(problem, inverse_temperature, gamma, chains, draws, burn_in, confidence, seed, calibration, sampler)
    return run_fast(problem.landscape, problem.centre[None], plan, sampler, problem.notes)[0]


def estimate_many(
    model: nn.Module,
    checkpoints: Sequence[str | Path | Mapping[str, Tensor]],
    loss: Any,
    data: tuple[Tensor, ...] | None,
    *,
    sampler: Sampler | None = None,
    inverse_temperature: float | None = None,
    localization: float | None = None,
    chains: int = 8,
    draws: int = 1000,
    burn_in: int | None = None,
    parameters: Sequence[str] | None = None,
    rows: Sequence[int] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> list[LearningCoefficient]:
    """`estimate` with method="fast" at every checkpoint, all checkpoints × chains in one run.

    checkpoints : state dictionaries, or files (safetensors, or torch.load(weights_only=True)); see `estimate` for the rest.
    A checkpoint's result does not depend on the others.
    """
    problem = read(model, loss, _rows_of(data, rows), parameters)
    centres = read_many(model, checkpoints, parameters)
    burn_in = _burn_in(burn_in, draws, "fast")
    check_size(chains, draws, burn_in, confidence)
    gamma = localization_of(localization)
    plan, sampler = _plan(problem, inverse_temperature, gamma, chains, draws, burn_in, confidence, seed, None, sampler)
    return run_fast(problem.landscape, centres, plan, sampler, problem.notes)


def _plan(
    problem: Problem,
    inverse_temperature: Any,
    localization: float,
    chains: int,
    draws: int,
    burn_in: int,
    confidence: float,
    seed: int,
    calibration: Calibration | None,
    sampler: Sampler | None,
) -> tuple[Plan, Sampler | None]:
    if inverse_temperature is not None and not isinstance(inverse_temperature, int | float):
        raise InputError("method='fast' takes one inverse_temperature; several: method='reference'.")
    if calibration is not None and inverse_temperature is None:
        inverse_temperature = calibration.inverse_temperature
    temperature = inverse_temperature_of(inverse_temperature, problem.landscape.examples)
    if calibration is not None:
        sampler = sampler or calibration.sampler
    return Plan(temperature, localization, chains, draws, burn_in, confidence, seed), sampler


def _precision(method: str) -> torch.dtype | None:
    """Single precision ends at nβ of about 10⁶: the ladder of `reference` is computed in double."""
    import torch

    return torch.float64 if method == "reference" else None


def _rows_of(data: tuple[Tensor, ...] | None, rows: Sequence[int] | None) -> tuple[Tensor, ...] | None:
    """The chosen examples."""
    if rows is None or data is None:
        return data
    import torch

    index = torch.as_tensor(rows)
    count = len(data[0])
    if index.dtype == torch.bool or index.is_floating_point() or not len(index) or index.min() < 0 or index.max() >= count:
        raise InputError(f"rows: give whole numbers from 0 to {count - 1}, the examples that L_n is taken over.")
    return tuple(tensor[index] for tensor in data)


def _burn_in(given: int | None, draws: int, method: str) -> int:
    if method not in METHODS:
        raise SpecError(f"method = {method!r}.{nearest(str(method), METHODS)}")
    return round(BURN_IN * draws) if given is None else given
