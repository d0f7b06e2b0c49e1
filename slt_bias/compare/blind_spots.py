"""Blind spots: simple functions that an architecture almost never computes, each with P, its complexities and its shortfall.

The coding theorem bounds P(f) from above alone, log₂P(f) ≤ −K(f) + O(1); what lies far below the bound is what tells
architectures apart ("low complexity, low probability": Dingle, Pérez & Louis 2020, Sci. Rep. 10, 4415; Alaskandarani & Dingle
2023, arXiv 2207.12251). The shortfall, in bits, is measured alike for all maps:

    bits_below_bound(f) = −log₂P(f) − K_code(f)         slope 1 and offset 0: a bound fitted to each map would reward flat maps

(`slt_bias.compare.shortfalls` puts several maps side by side.)

The recipe of `blind_spots`: a closed form, or a proof that the map cannot compute f, where there is one; else draws, counted
for the whole orbit of f under the map's own symmetries (`slt_bias.prior.orbits`); and multilevel splitting for orbits that were
met fewer than 30 times, down to a least probability below which an upper limit is the answer.
"""

from __future__ import annotations

import math
import operator
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from slt_bias import prior
from slt_bias.compare.reference_sets import described, reference_set
from slt_bias.errors import InputError
from slt_bias.estimate import Status, clopper_pearson
from slt_bias.functions import Functions, parse
from slt_bias.functions.symmetry import LARGEST_TABLE, NPN, canonical, usable
from slt_bias.maps.base import Map
from slt_bias.prior import FunctionCounts, FunctionProbability
from slt_bias.prior.orbits import orbit_counts
from slt_bias.prior.probability import can_split, known, probability
from slt_bias.prior.sampling import available_cores
from slt_bias.progress import Progress

SAMPLES = 1_000_000
LEAST_LOG2_PROBABILITY = math.log2(1e-12)
ENOUGH = 30  # draws of an orbit from which its count is the answer
COUNTING_SHARE = 0.5  # of a budget of seconds, for counting
PATIENCE = 3.0  # a function may take so many times its even share of the time left, or the typical time of those before it
FIRST_SHARE = 0.25  # of the time left, for the first ones
PILOT_SECONDS = 0.3
DOUBT = 0.999  # confidence of the count's interval that splitting may not contradict
NEEDED = ("function", "name", "family", "complexity_and_or", "complexity_all_gates", "complexity_code", "complexity_lz")


def blind_spots(
    map: Map | str,
    reference: pd.DataFrame | str | Sequence[str] | Functions | None = None,
    *,
    seed: int = 0,
    samples: int = SAMPLES,
    relative_error: float = 0.3,
    least_log2_probability: float | None = LEAST_LOG2_PROBABILITY,
    budget_seconds: float | None = None,
    counts: FunctionCounts | None = None,
    workers: int | None = None,
    confidence: float = 0.95,
    progress: bool = False,
) -> pd.DataFrame:
    """P of each reference function under a map, and how many bits it lies below the bound −K_code; the farthest below first.

    map : a map or its spec. reference : a table of `reference_set` (the default, on the map's inputs) or rows of one, or
        functions of your own as `sb.functions.parse` takes them.
    samples : draws to count, where `counts` of this map are not given. relative_error : standard error of P over P that
        splitting aims at. least_log2_probability : bits, where splitting ends with an upper limit (default 10⁻¹²; None: never).
    budget_seconds : of wall clock for the whole table. Half may go into counting; then functions are split in the order of
        least seen and simplest first, and those that time does not reach keep what counting says. Without a budget the table
        is the same on any machine of the same kind and for any number of workers.

    Columns: function, name, family, complexity_and_or, complexity_all_gates (leaves), complexity_code (certified bits),
    complexity_lz; log2_probability, log2_low, log2_high (bits); bits_below_bound; upper_limit_only; status ("ok", "suspect",
    "failed"); method ("closed form", "linear programme", "count", "splitting"); reasons (text); seen, orbit_size (draws of the
    function's orbit, its members under the map's own symmetries); evaluations (of splitting); and for at most 4 inputs
    class_total (P of the whole NPN class, as counted), class_least, class_greatest (P of one member in that one of the map's
    orbits in the class that was met least, and most, often: equal where the law has all symmetries; 0 where not one of its
    members was drawn). seen, orbit_size and class_… are absent where nothing was counted.

    A function that the map cannot compute, by proof, has log2_probability −inf and status "ok". Where all that is known is an
    upper limit, log2_probability is NaN, log2_low −inf, log2_high the limit, `upper_limit_only` True, the status "suspect", and
    bits_below_bound the least it can be.
    Order: bits_below_bound falling, among equals the smaller complexity_code, complexity_all_gates and name first; failed ones
    last. attrs: spec, points, samples, seed, confidence, symmetries, least_log2_probability, seconds.

    Raises InputError or SpecError for what does not fit, as `sb.prior.sample` and `sb.prior.probability` do.
    """
    begun = time.monotonic()
    if isinstance(map, str):
        from slt_bias.maps.registry import parse as parse_map

        map = parse_map(map)
    if not hasattr(map, "draw_functions"):
        raise InputError(f"{map!r} is no map: give a map or a spec such as mlp.")
    _check(relative_error, least_log2_probability, budget_seconds, workers, confidence, counts, seed)
    table = _reference(map, reference)
    asked = parse(table["function"].astype(str).tolist(), map.inputs)
    clock = _Clock(None if budget_seconds is None else begun + budget_seconds)
    workers = available_cores() if workers is None else workers

    exact = {row: known(map, asked[row], confidence) for row in range(len(asked))}
    found = {row: answer for row, answer in exact.items() if answer is not None}
    wanted = usable(map.symmetries, map.inputs)
    orbits = _Orbits(*canonical(asked, map.inputs, wanted))
    if counts is None and len(found) < len(asked):
        counts = _drawn(map, samples, seed, clock, workers, progress)
    if counts is not None:
        seen = _seen(counts, map, orbits.forms)
        counted = {
            row: _of_count(int(seen[row]), int(orbits.sizes[row]), counts.samples, confidence)
            for row in range(len(asked))
            if row not in found
        }
        found |= counted
        code = table["complexity_code"].to_numpy()
        rare = sorted((row for row in counted if seen[row] < ENOUGH), key=lambda row: (seen[row], code[row], row))
        if rare and not can_split(map):
            found |= {row: _unsplit(counted[row], "draws of this map cannot be moved, so they are not split") for row in rare}
        elif rare:
            ask = partial(
                probability, map, method="splitting", seed=seed, relative_error=relative_error, confidence=confidence,
                least_log2_probability=least_log2_probability, workers=1,
            )  # fmt: skip
            for rows, result in _split(ask, asked, orbits.together(rare), clock, workers, progress):
                for row in rows:
                    found[row] = _joined(result, counted[row], int(seen[row]), int(orbits.sizes[row]), counts.samples)
    table = _with_answers(table, [found[row] for row in range(len(asked))])
    if counts is not None:
        table = table.assign(seen=seen, orbit_size=orbits.sizes)
        if map.inputs.kind == "hypercube" and map.inputs.features <= LARGEST_TABLE:
            table = table.assign(**_classes(counts, map, asked))
    rank = np.lexsort(
        (table["name"].to_numpy(str), table["complexity_all_gates"], table["complexity_code"], -table["bits_below_bound"])
    )
    table = table.iloc[rank].reset_index(drop=True)
    table.attrs = {
        "spec": map.spec,
        "points": map.inputs.count,
        "samples": 0 if counts is None else counts.samples,
        "seed": seed,
        "confidence": confidence,
        "symmetries": sorted(wanted),
        "least_log2_probability": least_log2_probability,
        "seconds": time.monotonic() - begun,
    }
    return table


@dataclass(frozen=True)
class _Clock:
    """When the time is up; None: never."""

    deadline: float | None

    def left(self) -> float:
        """Seconds left, infinite without a budget."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


@dataclass(frozen=True)
class _Orbits:
    """The orbit of each function: its canonical form, and how many members it has, int64 (count,)."""

    forms: Functions
    sizes: np.ndarray

    def together(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows of one orbit in one list, in the order of the first of each."""
        found: dict[bytes, list[int]] = {}
        for row in rows:
            found.setdefault(self.forms.packed[row].tobytes(), []).append(row)
        return list(found.values())


def _check(
    relative_error: float, least: float | None, seconds: float | None, workers: int | None, confidence: float,
    counts: object, seed: object,
) -> None:  # fmt: skip
    """Refuse before anything is drawn. Raises InputError."""
    for name, value in (("relative_error", relative_error), ("confidence", confidence)):
        if not _is_number(value) or not 0 < value < 1:
            raise InputError(f"{name} = {value!r}: give a number between 0 and 1.")
    if least is not None and not (_is_number(least) and least < 0):
        raise InputError(f"least_log2_probability = {least!r}: give a negative number of bits, such as -40, or None.")
    if seconds is not None and not (_is_number(seconds) and seconds > 0):
        raise InputError(f"budget_seconds = {seconds!r}: give a positive number of seconds, or None.")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"workers = {workers!r}: give a whole number, at least 1.")
    if counts is not None and not isinstance(counts, FunctionCounts):
        raise InputError(f"counts is of type {type(counts).__name__}: give what sb.prior.sample returned.")
    try:
        low = operator.index(seed) < 0  # type: ignore[arg-type]
    except TypeError:
        low = True
    if low:
        raise InputError(f"seed = {seed!r}: give a whole number, 0 or larger.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _reference(map: Map, reference: pd.DataFrame | str | Sequence[str] | Functions | None) -> pd.DataFrame:
    """The rows to fill, with the columns of NEEDED."""
    if reference is None:
        table = reference_set(map.inputs)
    elif isinstance(reference, pd.DataFrame):
        missing = [name for name in NEEDED if name not in reference]
        if missing:
            raise InputError(f"reference lacks the column(s) {', '.join(missing)}: make it with sb.compare.reference_set.")
        table = reference
    else:
        table = described(reference, map.inputs)
    if len(table) == 0:
        raise InputError("reference is empty: give at least one function.")
    return table[list(NEEDED)].reset_index(drop=True).copy()


def _drawn(map: Map, samples: int, seed: int, clock: _Clock, workers: int, progress: bool) -> FunctionCounts:
    """As many of the samples as the time allows: a pilot, grown until it takes a third of a second, tells the pace."""
    if clock.deadline is not None:
        prior.sample(map, samples=16, seed=seed, workers=1)  # the first call of a map may compile
        share = COUNTING_SHARE * clock.left()
        draws = map.block
        while draws < samples:
            begun = time.monotonic()
            counts = prior.sample(map, samples=draws, seed=seed, workers=workers)
            took = time.monotonic() - begun
            if took > min(PILOT_SECONDS, share / 8):
                samples = min(samples, max(draws, int(draws / took * (share - took))))
                break
            draws *= 4
        if samples == draws:
            return counts
    return prior.sample(map, samples=samples, seed=seed, workers=workers, progress=progress)


def _seen(counts: FunctionCounts, map: Map, forms: Functions) -> np.ndarray:
    """int64 (rows,): how often members of each orbit were drawn."""
    orbits = orbit_counts(counts, map)
    number = dict(zip(orbits["representative"], orbits["count"], strict=True))
    return np.array([number.get(form, 0) for form in forms.strings()], np.int64)


def _of_count(seen: int, size: int, samples: int, confidence: float) -> FunctionProbability:
    """As `slt_bias.prior.orbits.pooled`, from a number that is known already."""
    low, high = _limits(seen, size, samples, confidence)
    value = math.log2(seen / samples / size) if seen else -math.inf
    return FunctionProbability(value=value, low=low, high=high, confidence=confidence, unit="bits", method="count")


def _limits(seen: int, size: int, samples: int, confidence: float) -> tuple[float, float]:
    low, high = clopper_pearson(seen, samples, confidence)
    return (math.log2(low / size) if low > 0 else -math.inf), math.log2(high / size)


def _split(
    ask: Callable[..., FunctionProbability],
    asked: Functions,
    jobs: list[list[int]],
    clock: _Clock,
    workers: int,
    progress: bool,
) -> Iterator[tuple[list[int], FunctionProbability | None]]:
    """(rows, P) of each orbit, in their order; None where the time was up before it began. ask : (function, seconds) → P."""
    begun, lock = 0, threading.Lock()
    took: list[float] = []

    def one(rows: list[int]) -> FunctionProbability | None:
        nonlocal begun
        with lock:
            waiting = len(jobs) - begun
            begun += 1
        left, start = clock.left(), time.monotonic()
        if left <= 0:
            return None
        typical = PATIENCE * float(np.median(took)) if took else FIRST_SHARE * left
        seconds = None if math.isinf(left) else min(left, max(typical, PATIENCE * left * workers / waiting))
        found = ask(asked[rows[0]], budget_seconds=seconds)
        took.append(time.monotonic() - start)
        return found

    with Progress("splitting", len(jobs), progress) as bar, ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, rows) for rows in jobs]
        try:
            for done, (rows, future) in enumerate(zip(jobs, futures, strict=True), 1):
                yield rows, future.result()
                bar.update(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C no further function is begun
            raise


def _unsplit(counted: FunctionProbability, reason: str) -> FunctionProbability:
    """A rare function of which counting alone speaks: enough where it was met at all, an upper limit where it was not."""
    status: Status = "ok" if math.isfinite(counted.value) else "suspect"
    return replace(counted, status=status, reasons=(reason,))


def _joined(
    split: FunctionProbability | None, counted: FunctionProbability, seen: int, size: int, samples: int
) -> FunctionProbability:
    """Splitting's answer where it has one that the draws do not contradict, else the count's."""
    met = f"{seen} of {samples:,} draws were in its orbit of {size}"
    if split is None:
        return replace(_unsplit(counted, f"the time was up before it could be split; {met}"), status="suspect")
    if split.status == "failed" or split.value == -math.inf:
        if seen:
            reasons = (f"splitting did not arrive, but {met}", *split.reasons)
            return replace(counted, status="suspect", reasons=reasons, evaluations=split.evaluations)
        high = counted.high if math.isnan(split.high) else min(split.high, counted.high)
        return replace(split, value=-math.inf, low=-math.inf, high=high, status="suspect")
    low, high = _limits(seen, size, samples, DOUBT)
    if split.high < low or split.low > high:
        reasons = (f"splitting says {split.value:.1f} bits, but {met}: take more particles or draws", *split.reasons)
        return replace(counted if seen else split, status="suspect", reasons=reasons, evaluations=split.evaluations)
    return split


def _with_answers(table: pd.DataFrame, found: Sequence[FunctionProbability]) -> pd.DataFrame:
    """The reference table with the columns that P adds."""
    low, high = np.array([each.low for each in found]), np.array([each.high for each in found])
    values = np.array([each.value for each in found])
    limit = np.isneginf(values) & (high > -math.inf)
    code = table["complexity_code"].to_numpy(np.float64)
    return table.assign(
        log2_probability=np.where(limit, np.nan, values),
        log2_low=low,
        log2_high=high,
        bits_below_bound=-np.where(limit, high, values) - code,
        upper_limit_only=limit,
        status=[each.status for each in found],
        method=[each.method for each in found],
        reasons=["; ".join(each.reasons or (each.chosen_because,)) for each in found],
        evaluations=[each.evaluations for each in found],
    )


def _classes(counts: FunctionCounts, map: Map, asked: Functions) -> dict[str, np.ndarray]:
    """P of the NPN class of each function, and of a member in the least and the most frequent of the map's orbits in it."""
    orbits = orbit_counts(counts, map, unseen=True)
    one = (orbits["count"] / orbits["orbit_size"] / counts.samples).to_numpy()
    total = orbits["count"].to_numpy() / counts.samples
    form = canonical(orbits["representative"].tolist(), map.inputs, NPN)[0].strings()
    groups = pd.DataFrame({"form": form, "total": total, "one": one}).groupby("form")
    by_class = groups.agg(class_total=("total", "sum"), class_least=("one", "min"), class_greatest=("one", "max"))
    rows = by_class.loc[canonical(asked, map.inputs, NPN)[0].strings()]
    return {name: rows[name].to_numpy() for name in ("class_total", "class_least", "class_greatest")}
