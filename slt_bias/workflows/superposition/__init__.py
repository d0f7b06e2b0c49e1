"""The experiments of Elhage et al. 2022 and Chen et al. 2023 on toy models of superposition: what `slt-bias superposition` does.

One file an experiment, with `run(setting) -> Outcome`. `superposition("phase")` runs one and writes its files.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from slt_bias import plots, provenance
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.files import check_writable, replacing, write_text
from slt_bias.workflows.plain import plain
from slt_bias.workflows.superposition.experiment import Outcome, Setting, Size

EXPERIMENTS = {
    "introduction": "which features are represented, from dense to sparse; linear and ReLU",
    "phase": "density × importance: not represented, a dimension of its own, or superposition",
    "dimensionality": "dimensions a feature against 1/density: sticky fractions and their polytopes",
    "nonuniform": "one feature's density varies: the pentagon gives way to two digons",
    "correlated": "features that come together lie orthogonal, or side by side",
    "anticorrelated": "features that exclude each other lie opposite",
    "local-bases": "two sets of ten features: an orthogonal basis each",
    "collapse": "three correlated pairs: from superposition to principal components",
    "dynamics": "dimensionalities and loss over training: jumps between levels",
    "privileged-basis": "a hidden ReLU: neurons for one feature and for many",
    "k-gons": "critical points of the one-hot model: losses, exact and sampled λ, runs by level",
    "bayes": "posterior share of each k-gon against n, and the crossover from 5 to 6",
    "absolute-value": "computation in superposition: |x| through fewer neurons than needed",
    "adversarial": "vulnerability to adversarial perturbations against features a dimension",
}
DEFAULT_OUT = Path("runs/superposition")


@dataclass(frozen=True)
class SuperpositionRun:
    """One experiment's outcome and its files; summary : the content of summary.json."""

    out: Path
    outcome: Outcome
    summary: dict[str, Any]


def superposition(
    name: str,
    size: Size = "full",
    *,
    seed: int = 0,
    out: str | Path | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> SuperpositionRun:
    """Run one experiment and write summary.json, a .parquet and a .csv a table, a .png and an .svg a figure.

    name : one of EXPERIMENTS. out : default runs/superposition/NAME. workers : threads, default one a core.
    Raises SpecError for another name, InputError for another size, ResultError where the folder cannot be written.
    """
    if name not in EXPERIMENTS:
        raise SpecError(f"experiment `{name}`: there is none of this name.{nearest(name, EXPERIMENTS)}")
    if size not in ("full", "quick", "smoke"):
        raise InputError(f"size={size!r}: give 'full', 'quick' or 'smoke'.")
    folder = check_writable(DEFAULT_OUT / name if out is None else Path(out))
    start = time.monotonic()
    module = import_module(f"slt_bias.workflows.superposition.{name.replace('-', '_')}")
    outcome: Outcome = module.run(Setting(size, seed, workers, progress))
    return SuperpositionRun(folder, outcome, _write(folder, name, size, seed, outcome, time.monotonic() - start))


def _write(folder: Path, name: str, size: Size, seed: int, outcome: Outcome, seconds: float) -> dict[str, Any]:
    made = provenance.collect("cpu", "compiled")
    tables, figures = {}, {}
    for stem, table in outcome.tables.items():
        kept = table.copy(deep=False)
        kept.attrs = {"schema_version": 1, "experiment": name, "size": size, "seed": seed, "provenance": made}
        path = folder / f"{stem}.parquet"
        with replacing(path) as temporary:
            kept.to_parquet(temporary, index=False)
        write_text(path.with_suffix(".csv"), table.to_csv(index=False))
        tables[stem] = str(path)
    for stem, figure in outcome.figures.items():
        figures[stem] = str(plots.save(figure, folder / stem)[0])
    summary = {
        "command": "superposition",
        "experiment": name,
        "about": EXPERIMENTS[name],
        "setting": size,
        "seed": seed,
        "seconds": round(seconds, 1),
        "claims": [asdict(claim) for claim in outcome.claims],
        "notes": list(outcome.notes),
        "tables": tables,
        "figures": figures,
        "provenance": made,
    }
    text = json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / "summary.json", text + "\n")
    return summary
