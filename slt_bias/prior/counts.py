"""FunctionCounts: how often each function was drawn, with what is needed to draw on, to merge and to read it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from slt_bias.errors import InputError, ResultError
from slt_bias.estimate import Estimate, check_counts, clopper_pearson, wilson
from slt_bias.functions.inputs import InputSet, from_spec
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.prior import files, intervals
from slt_bias.prior.blocks import overlap
from slt_bias.prior.tally import Tally

if TYPE_CHECKING:
    import pandas as pd

UNSEEN_LIMIT = 0.1  # above this unseen mass an entropy is a lower bound and nothing more


@dataclass(frozen=True, eq=False)
class FunctionCounts:
    """The functions of N parameter draws and their counts.

    functions, count : the distinct functions and int64 counts, the most frequent first.
    samples : N. spec : the map's. blocks : seed → rows (first block, stop, draws): which part of the random stream this is.
    provenance : law, input coding, rule for an output of 0, versions, device, …: written into every file.
    """

    functions: Functions
    count: np.ndarray
    samples: int
    spec: str
    blocks: Mapping[int, np.ndarray]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def distinct(self) -> int:
        """The number of distinct functions drawn."""
        return len(self.count)

    @property
    def points(self) -> int:
        """The number of points of each function."""
        return self.functions.points

    def __repr__(self) -> str:
        seeds = ", ".join(map(str, self.blocks))
        return f"<{self.samples:,} draws of {self.spec} (seed {seeds}): {self.distinct:,} functions>"

    @cached_property
    def _inputs(self) -> InputSet:
        """The input set as far as names of functions need it: a hypercube, or so many points of another kind."""
        text = str(self.provenance.get("inputs", ""))
        number, _, values = text.removeprefix("inputs=").partition(",values=")
        if number.isdigit():
            return from_spec(number, values or None)
        return InputSet("rows", np.empty((self.points, 0)), text)

    @cached_property
    def _index(self) -> dict[bytes, int]:
        return {row.tobytes(): place for place, row in enumerate(self.functions.packed)}

    def of(self, function: str | Functions) -> int:
        """How often one function was drawn. Raises InputError for what is no function on these points."""
        asked = parse(function, self._inputs)
        if asked.points != self.points or len(asked) != 1:
            raise InputError(f"asked for {len(asked)} function(s) of {asked.points} points; need one of {self.points} points.")
        place = self._index.get(asked.packed[0].tobytes())
        return 0 if place is None else int(self.count[place])

    def probability(
        self,
        function: str | Functions,
        confidence: float = 0.95,
        interval: Literal["clopper-pearson", "wilson"] = "clopper-pearson",
    ) -> Estimate:
        """P of a function *named beforehand*, from its count: an exact Clopper–Pearson interval, or Wilson's.

        For functions that were picked because they were seen, take `table`, whose intervals allow for the selection.
        """
        count = self.of(function)
        limits = {"clopper-pearson": clopper_pearson, "wilson": wilson}
        if interval not in limits:
            raise InputError(f"interval={interval}: give clopper-pearson or wilson.")
        low, high = limits[interval](count, self.samples, confidence)
        return Estimate(value=count / self.samples, low=low, high=high, confidence=confidence, unit="probability")

    def table(self, limit: int | None = None, confidence: float = 0.95) -> pd.DataFrame:
        """A row a function seen: function (str), count, probability, probability_low, probability_high.

        The intervals are honest about selection (see `slt_bias.prior.intervals`): a function seen once or twice has
        probability_low 0. limit : the most frequent rows only.
        """
        import pandas as pd

        check_counts(0, self.samples, confidence)
        if limit is not None and limit < 0:
            raise InputError(f"limit = {limit}: give the number of rows wanted, or None for all.")
        low, high = intervals.selected(self.count, self.samples, self.points, confidence)
        rows = slice(None, limit)
        return pd.DataFrame(
            {
                "function": self.functions[rows].series(),
                "count": self.count[rows],
                "probability": self.count[rows] / self.samples,
                "probability_low": low[rows],
                "probability_high": high[rows],
            }
        )

    def unseen_mass(self, confidence: float = 0.95) -> Estimate:
        """The probability of all functions not drawn (Good 1953; interval: Esty 1983)."""
        once, twice = int((self.count == 1).sum()), int((self.count == 2).sum())
        value, low, high = intervals.unseen_mass(once, twice, self.samples, confidence)
        return Estimate(value=value, low=low, high=high, confidence=confidence, unit="probability")

    def entropy(self, confidence: float = 0.95) -> Estimate:
        """The entropy of the prior in bits; a lower bound, and `suspect`, where the unseen mass exceeds 0.1.

        No correction of the bias saves an entropy when most of the draws are singletons: the value is then the sample's
        own entropy, the interval still holds the prior's (see `slt_bias.prior.intervals.entropy`).
        """
        unseen = float(self.unseen_mass(confidence))
        plain, corrected, low, high = intervals.entropy(self.count, self.samples, self.points, confidence)
        if unseen <= UNSEEN_LIMIT:
            return Estimate(value=corrected, low=low, high=high, confidence=confidence, unit="bits")
        reason = f"a lower bound: {unseen:.2g} of the probability was never drawn; more samples raise it"
        return Estimate(
            value=plain, low=low, high=high, confidence=confidence, unit="bits", status="suspect", reasons=(reason,)
        )

    def zipf(self) -> pd.DataFrame:
        """rank (from 1), count, probability, functions (how many have this count): one row a distinct count.

        Functions of equal count share their ranks; `rank` is the last of them.
        """
        import pandas as pd

        values, rows = np.unique(self.count, return_counts=True)
        values, rows = values[::-1], rows[::-1]
        return pd.DataFrame(
            {"rank": np.cumsum(rows), "count": values, "probability": values / self.samples, "functions": rows}
        )

    def __add__(self, other: FunctionCounts) -> FunctionCounts:
        """The counts of both. Raises ResultError for another map, and for blocks of the stream that both have."""
        if not isinstance(other, FunctionCounts):
            return NotImplemented
        if self.spec != other.spec:
            raise ResultError(f"counts of different maps do not add up: `{self.spec}` and `{other.spec}`.")
        blocks = dict(self.blocks)
        for seed, rows in other.blocks.items():
            mine = blocks.get(seed)
            if mine is not None:
                twice = overlap(mine, rows)
                if twice is not None:
                    raise ResultError(
                        f"both counts hold block {twice} of seed {seed}: the same draws would count twice; "
                        "sample with another seed."
                    )
                rows = np.concatenate([mine, rows])
            blocks[seed] = rows[np.argsort(rows[:, 0])]
        tally = Tally(self.points)
        for part in (self, other):
            tally.add(part.functions.packed, part.count)
        functions, count = tally.sorted()
        theirs = dict(other.provenance)
        differing = {name: f"{mine}; {theirs.get(name)}" for name, mine in self.provenance.items() if theirs.get(name) != mine}
        provenance = dict(self.provenance) | differing | {"seed": ", ".join(map(str, sorted(blocks)))}
        return replace(
            self, functions=functions, count=count, samples=self.samples + other.samples, blocks=blocks, provenance=provenance
        )

    def save(self, path: str | Path) -> Path:
        """Write a Parquet file: whole or not at all. Raises ResultError."""
        about = {
            "spec": self.spec,
            "samples": self.samples,
            "blocks": {str(seed): rows.tolist() for seed, rows in self.blocks.items()},
            "provenance": dict(self.provenance),
        }
        return files.write(Path(path), self.functions, self.count, about)

    @classmethod
    def load(cls, path: str | Path) -> FunctionCounts:
        """Read what `save` wrote. Raises ResultError for a file that is missing, damaged or of another schema."""
        functions, count, about = files.read(Path(path))
        blocks = {int(seed): np.array(rows, np.int64).reshape(-1, 3) for seed, rows in about["blocks"].items()}
        return cls(functions, count, about["samples"], about["spec"], blocks, about["provenance"])
