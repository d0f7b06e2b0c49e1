"""The learning coefficient of a system or of a training run's checkpoints: what `slt-bias llc` does."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slt_bias import provenance
from slt_bias.errors import SpecError, nearest
from slt_bias.files import check_writable, replacing, write_text
from slt_bias.llc import checkpoints as files
from slt_bias.llc.estimator import estimate, estimate_many
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.volume import VolumeScaling, volume_scaling
from slt_bias.workflows.learning_coefficient_figures import draw_figures
from slt_bias.workflows.learning_coefficient_report import write_report
from slt_bias.workflows.phases import say
from slt_bias.workflows.plain import plain
from slt_bias.workflows.systems import POPULATION_TEMPERATURE, Known

if TYPE_CHECKING:
    from torch import nn

DEFAULT_OUT = Path("runs/llc")
METHODS = ("fast", "reference", "volume")
Result = LearningCoefficient | VolumeScaling


@dataclass(frozen=True, kw_only=True)
class LearningCoefficientRun:
    """What was found and where it lies.

    results : one a checkpoint, or one for the system. table : a row each: label, step, learning_coefficient, low, high, truth,
    multiplicity, status, reasons, … summary : the content of summary.json. report : the page to open.
    """

    out: Path
    results: list[Result]
    table: pd.DataFrame
    summary: dict[str, Any]
    report: Path


def learning_coefficient(
    known: Known,
    *,
    method: str = "fast",
    checkpoints: Sequence[str | Path] = (),
    inverse_temperature: Sequence[float] = (),
    localization: float | None = None,
    chains: int | None = None,
    draws: int | None = None,
    burn_in: int | None = None,
    parameters: Sequence[str] = (),
    confidence: float = 0.95,
    seed: int = 0,
    out: str | Path = DEFAULT_OUT,
    progress: bool = False,
) -> LearningCoefficientRun:
    """Estimate λ at the system's w*, or at each checkpoint, and write tables, figures, a report.

    known : of `workflows.systems`. method : "fast", "reference" (both in `sb.llc.estimate`) or "volume" (`volume_scaling`).
    checkpoints : files with weights of the system's model; each is a w* of its own.
    inverse_temperature : nβ, several with "reference" alone; empty: the method's own, and with "fast" 10⁴ for the population
        loss of a known system, which has no n. chains, draws, burn_in : None: the defaults of `sb.llc.estimate`.
    out : the folder of table.csv, summary.json, traces.npz, the figures as .png and .svg, and report.html.
    Raises SpecError, InputError or ResultError before anything is sampled. A failed estimate is a result, no error.
    """
    of_chains = {"inverse_temperature": tuple(inverse_temperature), "chains": chains, "draws": draws, "burn_in": burn_in}
    _check(method, of_chains)
    temperature, remark = _temperature(known, method, tuple(inverse_temperature))
    given: dict[str, Any] = {**of_chains, "inverse_temperature": temperature, "localization": localization}
    settings = {name: value for name, value in given.items() if value is not None}
    settings |= {"confidence": confidence, "seed": seed, "parameters": list(parameters) or None}
    models = _models(known, checkpoints)
    folder = check_writable(Path(out))
    if remark:
        say(remark, progress)
    results: list[Result]
    if method == "fast" and len(checkpoints) > 1:
        say(f"sampling {len(checkpoints)} checkpoints together …", progress)
        loaded = [model.state_dict() for model in models]
        results = [*estimate_many(models[0], loaded, known.system.loss, known.system.data, **settings)]
    else:
        results = []
        for label, model in zip(_labels(known, checkpoints), models, strict=True):
            say(f"{'splitting volumes' if method == 'volume' else 'sampling'}, method {method}: {label} …", progress)
            results.append(_measure(known, model, method, settings, progress))
    return _write(folder, known, method, checkpoints, results, settings, remark, progress)


def _check(method: str, given: Mapping[str, Any]) -> None:
    if method not in METHODS:
        raise SpecError(f"method `{method}`.{nearest(method, METHODS)}")
    if method == "fast" and len(given["inverse_temperature"]) > 1:
        raise SpecError("method fast takes one inverse temperature; several: method reference.")
    if method == "volume":
        for name, value in given.items():
            if value not in (None, ()):
                raise SpecError(f"method volume has no chains at a temperature: leave out {name.replace('_', ' ')}.")


def _temperature(known: Known, method: str, given: tuple[float, ...]) -> tuple[float | tuple[float, ...] | None, str]:
    """nβ for the method, and a sentence where it was chosen here."""
    if method == "fast" and not given and known.population:
        text = f"{known.name}: a population loss has no n, so nβ = {POPULATION_TEMPERATURE:g}"
        return POPULATION_TEMPERATURE, f"{text} (another one: --inverse-temperature)."
    if not given:
        return None, ""
    return (given[0] if method == "fast" else given), ""


def _models(known: Known, checkpoints: Sequence[str | Path]) -> list[nn.Module]:
    """The system's model, or a copy of it with the weights of each checkpoint. Raises InputError where one does not fit."""
    if not checkpoints:
        return [known.system.model]
    models = []
    for path in checkpoints:
        model = copy.deepcopy(known.system.model)
        model.load_state_dict(files.fit(model, files.load(path), str(path)))
        models.append(model)
    return models


def _measure(known: Known, model: nn.Module, method: str, settings: dict[str, Any], progress: bool) -> Result:
    if method == "volume":
        return volume_scaling(model, known.system.loss, known.system.data, **settings)
    return estimate(model, known.system.loss, known.system.data, method=method, progress=progress, **settings)  # type: ignore[arg-type]


def _labels(known: Known, checkpoints: Sequence[str | Path]) -> list[str]:
    """File names, or whole paths where two are equal; the system's name where there are no checkpoints."""
    if not checkpoints:
        return [known.name]
    names = [Path(path).name for path in checkpoints]
    return names if len(set(names)) == len(names) else [str(path) for path in checkpoints]


def _steps(labels: Sequence[str]) -> list[int]:
    """The last number in each name, where these rise; else 1, 2, 3, …"""
    found = [re.findall(r"[0-9]+", Path(label).stem) for label in labels]
    if all(found):
        steps = [int(numbers[-1]) for numbers in found]
        if all(earlier < later for earlier, later in itertools.pairwise(steps)):
            return steps
    return list(range(1, len(labels) + 1))


def _row(label: str, step: int | None, result: Result, known: Known, checkpoint: bool) -> dict[str, Any]:
    """A result as one row of plain numbers; λ is exact only at the system's own w*."""
    same = {
        "label": label,
        "step": step,
        "learning_coefficient": result.learning_coefficient,
        "low": result.low,
        "high": result.high,
        "standard_error": result.standard_error,
        "truth": None if checkpoint else known.truth,
        "multiplicity": result.multiplicity,
        "true_multiplicity": None if checkpoint else known.multiplicity,
        "status": result.status,
        "reasons": list(result.reasons),
    }
    if isinstance(result, VolumeScaling):
        return same | {
            "multiplicities": list(result.multiplicity_probabilities),
            "goodness": result.goodness,
            "evaluations": result.evaluations,
        }
    names = (
        "data_spread", "inverse_temperature", "localization", "baseline", "rhat", "effective_sample_size", "acceptance",
        "diverged_chains", "step_size", "sampler", "backend", "examples", "seconds",
    )  # fmt: skip
    return same | {
        "multiplicities": list(result.multiplicities),
        **{name: getattr(result, name) for name in names},
        "notes": list(result.notes),
        "loss_convention": result.loss_convention,
        "checks": result.checks.to_dict("records"),
        "temperatures": None if result.temperatures is None else result.temperatures.to_dict("records"),
    }


def _write(
    folder: Path,
    known: Known,
    method: str,
    checkpoints: Sequence[str | Path],
    results: list[Result],
    settings: dict[str, Any],
    remark: str,
    progress: bool,
) -> LearningCoefficientRun:
    labels = _labels(known, checkpoints)
    steps: list[int] | list[None] = _steps(labels) if len(checkpoints) > 1 else [None] * len(labels)
    rows = [
        _row(label, step, result, known, bool(checkpoints)) for label, step, result in zip(labels, steps, results, strict=True)
    ]
    summary = {
        "command": "llc",
        "system": known.name,
        "method": method,
        "seed": settings["seed"],
        "confidence": settings["confidence"],
        "settings": {name: value for name, value in settings.items() if value is not None},
        "truth_source": known.source if not checkpoints else "",
        "remark": remark,
        "estimates": rows,
        "provenance": provenance.collect("cpu", rows[0].get("backend", "")),
        "report": str(folder / "report.html"),
    }
    table = pd.DataFrame([_flat(row) for row in rows])
    write_text(folder / "table.csv", table.to_csv(index=False))
    _keep_traces(folder / "traces.npz", labels, results)
    say("drawing figures …", progress)
    figures = draw_figures(folder, rows, results)
    write_text(folder / "summary.json", json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    report = write_report(folder / "report.html", summary, figures)
    return LearningCoefficientRun(out=folder, results=results, table=table, summary=summary, report=report)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The row without the tables in it; lists of sentences joined."""
    kept = {name: value for name, value in row.items() if name not in ("checks", "temperatures", "multiplicities")}
    return {name: " ".join(value) if isinstance(value, list) else value for name, value in kept.items()}


def _keep_traces(path: Path, labels: list[str], results: list[Result]) -> None:
    """nβ·(L − L(w*)) at every draw, (chains, draws) each, under the labels; those of an earlier run are removed."""
    pairs = zip(labels, results, strict=True)
    traces = {label: result.trace for label, result in pairs if isinstance(result, LearningCoefficient)}
    if not traces:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **traces)  # type: ignore[arg-type]
