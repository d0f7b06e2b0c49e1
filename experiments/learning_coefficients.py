"""The truth table: λ̂ of 51 deep linear networks whose λ and m are known exactly, after Furman & Lau 2024 (arXiv 2402.03698).

31 deep linear networks (Aoyagi 2024) and 20 reduced-rank regressions (Aoyagi & Watanabe 2005), each at the most singular point of
its fibre, with the population loss ½‖W_L … W_1 − A‖². `reference` with its own ladder (five seeds in the full setting; one
seed, fewer draws and a few small systems in the others), and `fast` at nβ = 10⁴. An honest miss is printed as a miss.

Each case is appended to OUT/cases.jsonl as soon as it is known, so that an interrupted run goes on where it was: run the same
command again (remove the file to begin anew, for instance after a change of the code). One process a core, one thread each.

Run: .venv/bin/python experiments/learning_coefficients.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, Setting, report, setting

Widths = tuple[int, ...]

# widths, rank of the truth
DEEP: list[tuple[Widths, int]] = [
    ((2, 2, 2), 0), ((2, 2, 2), 1), ((3, 2, 3), 0), ((3, 2, 3), 1), ((5, 3, 5), 0), ((5, 3, 5), 1), ((5, 3, 5), 2),
    ((4, 4, 4), 2), ((10, 5, 10), 3), ((20, 4, 6), 2), ((8, 2, 8), 1),
    ((2, 2, 2, 2), 0), ((2, 2, 2, 2), 1), ((3, 3, 3, 3), 0), ((3, 3, 3, 3), 1), ((3, 3, 3, 3), 2), ((4, 2, 4, 3), 1),
    ((5, 4, 3, 5), 2), ((6, 3, 5, 4), 1), ((10, 10, 10, 10), 5), ((20, 3, 3, 20), 1),
    ((2, 2, 2, 2, 2), 0), ((2, 2, 2, 2, 2), 1), ((3, 2, 3, 2, 3), 1), ((4, 4, 4, 4, 4), 1), ((4, 3, 4, 3, 4), 2),
    ((5, 2, 5, 2, 5), 0),
    ((2, 2, 2, 2, 2, 2), 0), ((2, 2, 2, 2, 2, 2), 1), ((3, 2, 3, 2, 3, 2), 1), ((3, 3, 3, 3, 3, 3), 1),
]  # fmt: skip
# inputs, hidden, outputs, rank of the truth
REDUCED: list[tuple[int, int, int, int]] = [
    (2, 1, 2, 0), (2, 1, 2, 1), (3, 2, 2, 0), (3, 2, 2, 1), (3, 2, 2, 2), (4, 2, 4, 0), (4, 2, 4, 1), (4, 3, 5, 2),
    (6, 2, 3, 1), (6, 4, 3, 1), (7, 3, 7, 0), (8, 4, 2, 1), (5, 5, 5, 0), (5, 5, 5, 3), (10, 2, 4, 1), (10, 3, 10, 2),
    (12, 4, 6, 0), (15, 2, 5, 1), (3, 4, 3, 1), (2, 3, 4, 1),
]  # fmt: skip
SYSTEMS = [("deep linear", widths, rank) for widths, rank in DEEP]
SYSTEMS += [("reduced rank", (m, h, n), rank) for m, h, n, rank in REDUCED]
FEW = [
    ("reduced rank", (2, 1, 2), 0), ("reduced rank", (2, 1, 2), 1), ("deep linear", (2, 2, 2), 1),
    ("deep linear", (2, 2, 2), 0), ("reduced rank", (3, 2, 2), 1), ("deep linear", (2, 2, 2, 2), 1),
    ("deep linear", (3, 2, 3), 1),
]  # fmt: skip
CHOSEN = {"full": SYSTEMS, "quick": FEW, "smoke": FEW[1:3]}
SEEDS = {"full": 5, "quick": 1, "smoke": 1}
REFERENCE: dict[str, dict[str, int]] = {
    "full": {},  # the defaults of the package
    "quick": {"chains": 8, "draws": 150, "burn_in": 150},
    "smoke": {"chains": 6, "draws": 40, "burn_in": 60},
}
FAST_TEMPERATURE = 1e4
MEDIAN_ERROR = {"full": 0.02, "quick": 0.03, "smoke": 0.05}  # of λ; the package promises the first, for its default draws
SMALL = 5.0  # λ up to which m shall be resolved
OFF = 0.2  # an error of `fast` that its verdict shall see


@dataclass(frozen=True)
class Case:
    """One estimate to make; equal cases are not computed twice."""

    kind: str
    widths: Widths
    rank: int
    method: str
    seed: int
    settings: tuple[tuple[str, int], ...]
    version: str

    @property
    def key(self) -> str:
        """Its name in the file of finished cases."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def work(self) -> float:
        """About how long it takes, in units of nothing: rungs grow as √λ ~ √d."""
        parameters = sum(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))
        return float(parameters) ** 1.5 * (1.0 if self.method == "reference" else 0.1)


def cases(chosen: Setting) -> list[Case]:
    """All of a setting, long ones first, so that no core waits at the end."""
    version = metadata.version("slt-bias")
    settings = tuple(sorted(REFERENCE[chosen.name].items()))
    found = []
    for kind, widths, rank in CHOSEN[chosen.name]:
        for seed in range(chosen.seed, chosen.seed + SEEDS[chosen.name]):
            found.append(Case(kind, widths, rank, "reference", seed, settings, version))
            found.append(Case(kind, widths, rank, "fast", seed, (), version))
    return sorted(found, key=lambda case: -case.work)


def measure(case: Case) -> dict[str, Any]:
    """One row of the table."""
    import torch

    from slt_bias import llc
    from slt_bias.subjects import linear

    torch.set_num_threads(1)
    truth = llc.exact.deep_linear(case.widths, case.rank)
    system = linear.deep_linear(case.widths, case.rank)
    more: dict[str, Any] = dict(case.settings)
    if case.method == "fast":
        more["inverse_temperature"] = FAST_TEMPERATURE
    began = time.perf_counter()
    found = llc.estimate(system.model, system.loss, system.data, method=case.method, seed=case.seed, **more)  # type: ignore[arg-type]
    value = found.value
    if found.status == "failed":  # the number that it refuses, to tell whether it was right to
        value = float(np.nanmean(found.trace))
    return {
        "kind": case.kind, "system": "-".join(map(str, case.widths)) + f" rank {case.rank}", "dimension": system.dimension,
        "method": case.method, "seed": case.seed, "truth": truth.learning_coefficient,
        "true_multiplicity": truth.multiplicity, "value": found.value, "low": found.low, "high": found.high,
        "error": value / truth.learning_coefficient - 1, "multiplicity": found.multiplicity,
        "share_of_true_multiplicity": _share(found.multiplicities, truth.multiplicity), "status": found.status,
        "reasons": " ".join(found.reasons), "seconds": time.perf_counter() - began,
    }  # fmt: skip


def _share(shares: tuple[float, ...], multiplicity: int) -> float | None:
    return None if not shares else shares[multiplicity - 1] if multiplicity <= len(shares) else 0.0


def measured(wanted: list[Case], store: Path, inline: bool) -> pd.DataFrame:
    """The rows of all cases: those in `store`, and the others computed and appended to it one by one."""
    done = stored(store)
    missing = [case for case in wanted if case.key not in done]
    if len(missing) < len(wanted):
        print(f"{len(wanted) - len(missing)} of {len(wanted)} cases are in {store}", file=sys.stderr)
    store.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with open(store, "a", encoding="utf-8") as stream:
        for number, (case, row) in enumerate(_computed(missing, inline), 1):
            stream.write(json.dumps({"case": case.key, "row": row}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
            done[case.key] = row
            text = f"{row['system']:22s} {case.method:9s} seed {case.seed}: {row['value']:.4g}, exact {row['truth']:.4g}"
            passed = time.perf_counter() - began
            text = f"{number}/{len(missing)}  {text}  {row['status']}  {row['seconds']:.1f} s ({passed:.0f} s in all)"
            print(text, file=sys.stderr)
    return pd.DataFrame([done[case.key] for case in wanted]).sort_values(["method", "kind", "truth", "system", "seed"])


def stored(store: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run left; a line that was torn by a kill is computed again."""
    found: dict[str, dict[str, Any]] = {}
    if not store.exists():
        return found
    text = store.read_text(encoding="utf-8")
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            found[entry["case"]] = entry["row"]
        except (json.JSONDecodeError, KeyError, TypeError):
            print(f"{store}: a line that cannot be read is left out", file=sys.stderr)
    if text and not text.endswith("\n"):
        with open(store, "a", encoding="utf-8") as stream:
            stream.write("\n")
    return found


def _computed(missing: list[Case], inline: bool) -> Iterator[tuple[Case, dict[str, Any]]]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if inline or cores == 1 or len(missing) < 2:
        for case in missing:
            yield case, measure(case)
        return
    # the workers are spawned and read it at their start
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))
    with ProcessPoolExecutor(min(cores, len(missing)), mp_context=get_context("spawn")) as pool:
        running = {pool.submit(measure, case): case for case in missing}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def share_claim(name: str, claimed: str, hits: pd.Series, least: float) -> Claim:
    """A share with its exact 95 % interval."""
    from scipy.stats import binomtest

    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95)
    return Claim(name, claimed, float(hits.mean()), interval.low, interval.high, bool(hits.mean() >= least))


def median_claim(name: str, errors: pd.Series, most: float) -> Claim:
    """A median with its 95 % interval from the order statistics (half of the cases lie below the median)."""
    from scipy.stats import binom

    ordered = np.sort(errors.to_numpy())
    count = len(ordered)
    rank = max(int(binom.ppf(0.025, count, 0.5)) - 1, 0)
    median = float(np.median(ordered))
    return Claim(name, f"≤ {most:.0%} of λ", median, ordered[rank], ordered[count - 1 - rank], median <= most)


def claims_of(table: pd.DataFrame, chosen: Setting) -> list[Claim]:
    """What the package promises, beside what came out."""
    from scipy.stats import binom

    reference, fast = table[table["method"] == "reference"], table[table["method"] == "fast"]
    errors = reference["error"].abs()
    claims = [median_claim("reference: median |error|", errors, MEDIAN_ERROR[chosen.name])]
    for name, rows, most in (
        ("m ≤ 2", errors[reference["true_multiplicity"] <= 2], 0.05),
        ("m > 2", errors[reference["true_multiplicity"] > 2], 0.10),
    ):
        if len(rows) and (chosen.name == "full" or most > 0.05):
            largest = float(rows.max())
            title = f"reference: largest |error|, {name}"
            claims.append(Claim(title, f"≤ {most:.0%} of λ", largest, largest, largest, largest <= most))
    inside = (reference["low"] <= reference["truth"]) & (reference["truth"] <= reference["high"])
    count = len(inside)
    low, high = (float(binom.ppf(tail, count, 0.95)) / count for tail in (0.0005, 0.9995))
    claimed = f"{low:.3f} to {high:.3f} (99.9 % band of 0.95)"
    covered = share_claim("reference: coverage of the 95 % intervals", claimed, inside, 0)
    claims.append(Claim(**{**asdict(covered), "holds": low <= covered.measured <= high}))
    small = reference[reference["truth"] <= SMALL]
    known = small["multiplicity"].notna()
    right = small["multiplicity"] == small["true_multiplicity"]
    if chosen.name == "full":
        claims.append(share_claim(f"reference: m right, λ ≤ {SMALL:g}", "≥ 0.8", right, 0.8))
    claims.append(share_claim(f"reference: m not wrong, λ ≤ {SMALL:g}", "≥ 0.8", right | ~known, 0.8))
    claims.append(median_claim("fast: median |error|", fast["error"].abs(), 0.10))
    off = fast[~(fast["error"].abs() <= OFF)]
    if len(off):
        told = off["status"] != "ok"
        claims.append(share_claim(f"fast: off by more than {OFF:.0%}, and not called ok ({len(off)} cases)", "≥ 0.9", told, 0.9))
    return claims


def main() -> None:
    """Measure what is missing, write the table, draw, print."""
    import slt_bias as sb
    from slt_bias.files import replacing

    chosen = setting(__doc__, "learning_coefficients")
    table = measured(cases(chosen), chosen.out / "cases.jsonl", inline=chosen.name == "smoke")
    table["multiplicity"] = table["multiplicity"].astype("Int64")
    table["share_of_true_multiplicity"] = table["share_of_true_multiplicity"].astype(float)
    with replacing(chosen.out / "table.csv") as path:
        table.to_csv(path, index=False)
    with replacing(chosen.out / "table.parquet") as path:
        table.to_parquet(path, index=False)
    drawn = table.assign(method=table["method"].map({"reference": "reference", "fast": "fast, nβ = 10⁴"}))
    figure = sb.plots.estimate_versus_truth(drawn, title="Deep linear networks: estimated and exact learning coefficients")
    sb.plots.save(figure, chosen.out / "figure")
    reference = table[table["method"] == "reference"]
    small = reference[reference["truth"] <= SMALL]
    resolved = small["multiplicity"].notna()
    right = (small["multiplicity"] == small["true_multiplicity"]).fillna(False)
    report(
        chosen, "Learning coefficients of deep linear networks against their exact values", claims_of(table, chosen),
        cases=len(table), seconds=float(table["seconds"].sum()),
        multiplicity={"right": int(right.sum()), "not resolved": int((~resolved).sum()), "wrong": int((resolved & ~right).sum())},
        verdicts={name: rows["status"].value_counts().to_dict() for name, rows in table.groupby("method")},
        largest_error={name: float(rows["error"].abs().max()) for name, rows in table.groupby("method")},
    )  # fmt: skip


if __name__ == "__main__":
    main()
