"""Counts pooled over orbits: where the law is invariant, P is the same for all functions of an orbit.

    P(f) = P(orbit of f) / |orbit of f|,   count over the orbit ~ Binomial(samples, P(orbit))

so that N draws count as N·|orbit|: up to 2·7! times as many on {0,1}⁷ and 2·7!·2⁷ on {−1,1}⁷. The interval is Clopper &
Pearson's (1934) of the orbit's count, divided by the orbit's size. It holds for an orbit named beforehand, as
`FunctionCounts.probability` does for a function: among the many rows of a table some lie outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError
from slt_bias.estimate import check_counts, clopper_pearson
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.functions.parsing import parse
from slt_bias.functions.symmetry import LARGEST_TABLE, canonical, classes, group, usable
from slt_bias.functions.tables import Functions
from slt_bias.prior.counts import FunctionCounts
from slt_bias.prior.result import FunctionProbability

if TYPE_CHECKING:
    import pandas as pd

    from slt_bias.maps.base import Map


def orbit_counts(
    counts: FunctionCounts,
    map_or_inputs: Map | InputSet | int,
    symmetries: Iterable[str] | None = None,
    confidence: float = 0.95,
    unseen: bool = False,
) -> pd.DataFrame:
    """A row an orbit of which a member was drawn, the most frequent orbit first.

    map_or_inputs : the map that was counted, or its inputs where it is not at hand; then `symmetries` must be given.
    symmetries : names of `slt_bias.functions.symmetry.NAMES`; None: the map's own, as far as orbits are computed (beyond
        8 inputs, on rows and on grids: negation of the output). A group that the map does not declare is allowed.
    unseen : with at most 4 inputs, a row of count 0 also for every orbit that was never drawn.

    Columns: representative (str, the canonical form of `functions.symmetry`), orbit_size, members_seen (distinct members
    drawn), count (draws of all members), probability, probability_low, probability_high (of one member: count/size/samples
    and its interval), total_probability (of the whole orbit, count/samples), least_count, greatest_count (of one member;
    least is 0 where a member was not drawn), least_probability, greatest_probability (these over samples), invariant.
    `invariant` is True where the map declares the symmetries: then probability is P of each member. Where it is False (also
    without a map), it is the mean over the class, the interval is that of the mean, and the members may differ.
    attrs: samples, points, spec, symmetries, confidence.
    Raises InputError for counts of another map or inputs that do not fit, SpecError for unknown symmetries.
    """
    import pandas as pd

    inputs, own = _inputs_and_symmetries(counts, map_or_inputs)
    check_counts(0, counts.samples, confidence)
    if symmetries is None:
        if own is None:
            raise InputError("orbit_counts: give the map, whose symmetries are meant, or symmetries=.")
        wanted = usable(own, inputs)
    else:
        wanted = group(symmetries)
    forms, sizes = canonical(counts.functions, inputs, wanted)
    number = counts.count
    if unseen:
        if inputs.kind != "hypercube" or inputs.features > LARGEST_TABLE:
            raise InputError(f"unseen: {inputs.spec} has too many orbits to list; only up to {LARGEST_TABLE} binary inputs.")
        representatives, orbit_sizes = classes(inputs.features, wanted)
        forms = Functions(np.concatenate([forms.packed, representatives.packed]), counts.points)
        sizes, number = np.concatenate([sizes, orbit_sizes]), np.concatenate([number, np.zeros(len(orbit_sizes), np.int64)])
    rows, first, orbit = _groups(forms)
    size, total, members = sizes[first], np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    greatest, least = np.zeros(rows, np.int64), np.full(rows, np.iinfo(np.int64).max)
    np.add.at(total, orbit, number)
    np.add.at(members, orbit, number > 0)
    np.maximum.at(greatest, orbit, number)
    seen = number > 0
    np.minimum.at(least, orbit[seen], number[seen])
    least[members < size] = 0
    low, high = _limits(total, counts.samples, confidence)
    share = 1 / counts.samples
    table = pd.DataFrame(
        {
            "representative": forms[first].series(),
            "orbit_size": size,
            "members_seen": members,
            "count": total,
            "probability": total * share / size,
            "probability_low": low / size,
            "probability_high": high / size,
            "total_probability": total * share,
            "least_count": least,
            "greatest_count": greatest,
            "least_probability": least * share,
            "greatest_probability": greatest * share,
            "invariant": own is not None and _covers(own, wanted),
        }
    )
    table = table.iloc[np.lexsort((table["representative"].to_numpy(str), -total))].reset_index(drop=True)
    table.attrs = {"samples": counts.samples, "points": counts.points, "spec": counts.spec}
    table.attrs |= {"symmetries": sorted(wanted), "confidence": confidence}
    return table


def pooled(counts: FunctionCounts, map: Map, function: str | Functions, confidence: float = 0.95) -> FunctionProbability:
    """log₂P of one function named beforehand, in bits, from the draws of all functions of its orbit under the map's symmetries.

    Where none was drawn the value is −inf, the status `suspect`, and the upper limit what N draws without one allow:
    log₂(1 − (α/2)^(1/N)) − log₂|orbit|, with α = 1 − confidence. Raises InputError for counts of another map and for what
    is no function on its inputs.
    """
    inputs, own = _inputs_and_symmetries(counts, map)
    asked = parse(function, inputs)
    if len(asked) != 1:
        raise InputError(f"asked for {len(asked)} functions; pooled takes one.")
    wanted = usable(own or (), inputs)
    form, size = canonical(asked, inputs, wanted)
    ones, drawn = int(asked.ones()[0]), counts.functions.ones()
    candidates = np.flatnonzero((drawn == ones) | (drawn == counts.points - ones))  # an orbit's members are among these
    forms = canonical(counts.functions[candidates], inputs, wanted)[0]
    total = int(counts.count[candidates][(forms.packed == form.packed).all(axis=1)].sum())
    low, high = clopper_pearson(total, counts.samples, confidence)
    members = int(size[0])
    reasons: tuple[str, ...] = ()
    if total == 0:
        reasons = (
            f"none of {counts.samples:,} draws gave one of the {members:,} functions of the orbit: only the upper limit says "
            "something; take splitting",
        )

    def bits(share: float) -> float:
        return math.log2(share) - math.log2(members) if share > 0 else -math.inf

    return FunctionProbability(
        value=bits(total / counts.samples),
        low=bits(low),
        high=bits(high),
        confidence=confidence,
        unit="bits",
        status="suspect" if reasons else "ok",
        reasons=reasons,
        method="count",
        evaluations=counts.samples,
    )


def _inputs_and_symmetries(
    counts: FunctionCounts, map_or_inputs: Map | InputSet | int
) -> tuple[InputSet, frozenset[str] | None]:
    """The input set, and the symmetries of the map where there is one."""
    own = None
    if isinstance(map_or_inputs, int | InputSet):
        inputs = as_inputs(map_or_inputs)
    elif hasattr(map_or_inputs, "symmetries"):
        inputs, own = map_or_inputs.inputs, map_or_inputs.symmetries
        if map_or_inputs.spec != counts.spec:
            raise InputError(f"these are counts of `{counts.spec}`, not of `{map_or_inputs.spec}`: their symmetries may differ.")
    else:
        raise InputError(f"{map_or_inputs!r} is neither a map nor an input set: give the map that was counted.")
    if inputs.count != counts.points:
        raise InputError(f"functions of {counts.points} points do not fit {inputs.spec}, which has {inputs.count} points.")
    return inputs, own


def _covers(own: frozenset[str], wanted: frozenset[str]) -> bool:
    return wanted <= own | ({"negate-all-inputs"} if "negate-inputs" in own else set())


def _groups(forms: Functions) -> tuple[int, np.ndarray, np.ndarray]:
    """(rows, first, index): the number of distinct tables, where each stands first, and which one each table is."""
    width = forms.packed.shape[1]
    keys = np.ascontiguousarray(forms.packed).view(np.dtype((np.void, width))).reshape(-1)
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return len(first), first, index.reshape(-1)


def _limits(total: np.ndarray, samples: int, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Clopper–Pearson limits, computed once for each distinct count."""
    values, index = np.unique(total, return_inverse=True)
    limits = np.array([clopper_pearson(int(value), samples, confidence) for value in values]).reshape(-1, 2)
    return limits[index, 0], limits[index, 1]
