"""The blind spots of architectures on four inputs: P of one function of each of the 222 NPN classes, down to 10⁻¹².

Counting can show nothing below one draw; here draws are pooled over the orbit of each function under the map's own symmetries,
and what was met fewer than 30 times is split, until 10⁻¹², where an upper limit is the answer. The functions are the documented
representatives of the classes (`compare.reference_set`). What perceptrons and polynomials cannot compute is proved by a linear
programme. "Earlier" in the claims is an earlier measurement with another code, which does not say whether the law of the ReLU
network was the normal or the uniform one of these variances: both are here.

A polynomial of degree 2 on {−1, 1}⁴ has all Walsh functions of at most two inputs with equal variance. Its law has more
symmetries than permutations and negations: the ten of one and two inputs are exchanged by affine maps of the bits, so that
x0 and x0 ⊕ x1 have exactly the same probability; the constants are about as frequent.

A map has two minutes on two cores. The functions never met are split first, the simplest of them first; what the time does not
reach keeps its count's interval and says suspect. The transformer, ten times slower than the others, has the same time.

Run: .venv/bin/python experiments/blind_spots_four_inputs.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import plots, prior
from slt_bias.compare.blind_spots import blind_spots
from slt_bias.compare.reference_sets import reference_set
from slt_bias.compare.shortfalls import score, shortfalls
from slt_bias.files import replacing
from slt_bias.plots.blind_spots_table import blind_spots_table

NETWORK = "mlp:hidden=40x40,inputs=4"
SPECS = {
    "ReLU": f"{NETWORK},preset=valle-perez-2018-normal",
    "ReLU, uniform law": f"{NETWORK},preset=valle-perez-2018",
    "tanh, scale 1": f"{NETWORK},activation=tanh",
    "tanh, scale 3": f"{NETWORK},activation=tanh,weight_std=3",
    "sin, scale 1": f"{NETWORK},activation=sin",
    "sin, scale 3": f"{NETWORK},activation=sin,weight_std=3",
    "gaussian": f"{NETWORK},activation=gaussian",
    "recurrent": "rnn:inputs=4",
    "perceptron": "perceptron:inputs=4",
    **{f"degree {degree}": f"polynomial:degree={degree},inputs=4,values=pm1" for degree in (1, 2, 3, 4)},
    "Walsh, decay 1/2": "polynomial:degree=4,decay=0.5,inputs=4,values=pm1",
    "tree": "tree:inputs=4",
    "circuit": "circuit:inputs=4",
    "transformer": "transformer:inputs=4",
}
SLOW = ("ReLU, uniform law", "tanh, scale 3", "gaussian", "recurrent", "transformer")  # not in the quick setting
APART = ("transformer",)  # slow: a tenth of the draws
CHOSEN = {
    "full": tuple(SPECS),
    "quick": tuple(label for label in SPECS if label not in SLOW),
    "smoke": ("sin, scale 3", "perceptron", "degree 2"),
}
SAMPLES = {"full": 10_000_000, "quick": 1_000_000, "smoke": 500_000}
SECONDS = {"full": 120.0, "quick": 12.0, "smoke": 3.0}  # for each map
CONSTANT, FIRST, XOR, PARITY_3 = "constant 0", "x0", "x0 xor x1", "parity of 3"
FEW = (CONSTANT, FIRST, "x0 and x1", "x0 and x1 and x2", XOR, PARITY_3, "majority of 3")
SHOWN_BITS = 16  # of the certified code: what the figure shows
EARLIER = 2.5e-7
UNREACHED = "the time was up"


def measured(label: str, chosen: str, reference: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, prior.FunctionCounts]:
    """The table of one map and the draws it stands on."""
    begun = time.monotonic()
    counts = prior.sample(SPECS[label], samples=SAMPLES[chosen] // (10 if label in APART else 1), seed=seed)
    left = max(1.0, SECONDS[chosen] - (time.monotonic() - begun))
    table = blind_spots(SPECS[label], reference, counts=counts, seed=seed, relative_error=0.25, budget_seconds=left)
    table.attrs["seconds"] = time.monotonic() - begun
    return table, counts


def check(tables: dict[str, pd.DataFrame], counts: dict[str, prior.FunctionCounts]) -> list[Claim]:
    """The finding: expected and measured."""
    quadratic = tables["degree 2"]
    proved = quadratic.set_index("name").loc[PARITY_3]
    never = 2.0 ** proved["log2_probability"]
    claims = [
        _ratio("degree 2: P(x0⊕x1) / P(constant)", "1 (as often)", quadratic, XOR, CONSTANT),
        _ratio("degree 2: P(x0⊕x1) / P(x0)", "1 (exactly, by symmetry)", quadratic, XOR, FIRST),
        Claim(
            "degree 2: P(parity of 3)", "0, proved", never, never, 2.0 ** proved["log2_high"],
            bool(never == 0 and proved["method"] == "linear programme"),
        ),
    ]  # fmt: skip
    value, low, high = (-16 - number for number in _bits(tables["sin, scale 3"], XOR))
    claims.append(
        Claim("sin, scale 3: bits of x0⊕x1 below 2⁻¹⁶, the uniform", "about 0: no blind spot", value, high, low, abs(value) < 2)
    )
    for label in ("ReLU", "ReLU, uniform law"):
        if label in tables:
            p, low, high = (2.0**number for number in _bits(tables[label], XOR))
            claims.append(Claim(f"{label}, {{0,1}}: P(x0⊕x1)", "2.5e-7 (earlier)", p, low, high, low <= EARLIER <= high))
    if "sin, scale 1" in tables:
        below, low, high = (-16 - number for number in _bits(tables["sin, scale 1"], XOR))
        claims.append(
            Claim("sin, scale 1: bits of x0⊕x1 below 2⁻¹⁶", "> 4: a blind spot", below, high, low, bool(high > 4))
        )
        less, more = counts["sin, scale 1"].entropy(), counts["sin, scale 3"].entropy()
        claims.append(
            Claim(
                "sin: entropy at scale 3 less at scale 1, bits", "> 8 of 16: the bias is lost", more.value - less.value,
                more.low - less.high, more.high - less.low, more.low - less.high > 8,
            )
        )  # fmt: skip
    for label, table in tables.items():
        if label not in APART and len(table) > len(FEW):
            late = float(table["reasons"].str.contains(UNREACHED).sum())
            claims.append(Claim(f"{label}: classes not split for want of time", "0", late, late, late, late == 0))
    return claims


def _bits(table: pd.DataFrame, name: str) -> tuple[float, float, float]:
    """log₂P and its interval; for an upper limit the limit as the value."""
    row = table.set_index("name").loc[name]
    value = row["log2_high"] if row["upper_limit_only"] else row["log2_probability"]
    return float(value), float(row["log2_low"]), float(row["log2_high"])


def _ratio(name: str, claimed: str, table: pd.DataFrame, above: str, below: str) -> Claim:
    """Of two probabilities; each limit at the other end of both intervals (about 99.5 %)."""
    one, other = _bits(table, above), _bits(table, below)
    low, high = 2.0 ** (one[1] - other[2]), 2.0 ** (one[2] - other[1])
    return Claim(name, claimed, 2.0 ** (one[0] - other[0]), low, high, low <= 1 <= high)


def heat_table(tables: dict[str, pd.DataFrame], reference: pd.DataFrame) -> plots.Picture:
    """log₁₀P of the simplest functions, a column a map."""
    simple = reference[reference["complexity_code"] <= SHOWN_BITS]
    simple = simple.sort_values(["complexity_code", "complexity_all_gates", "name"])
    labels = [name if not like else f"{name} ~ {like}" for name, like in zip(simple["name"], simple["equivalent"], strict=True)]
    values, limits = {}, {}
    for label, table in tables.items():
        rows = table.set_index("function").loc[simple["function"]]
        limit = rows["upper_limit_only"].to_numpy(bool)
        values[label] = np.where(limit, rows["log2_high"], rows["log2_probability"])
        limits[label] = limit
    axes = blind_spots_table(
        pd.DataFrame(values, index=labels),
        pd.DataFrame(limits, index=labels),
        complexity=pd.Series(simple["complexity_code"].to_numpy(), index=labels),
    )
    figure = axes.get_figure(root=True)
    assert isinstance(figure, plots.Picture)
    return figure


def summary(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a map: how far below the bound its simple functions lie, and what it took."""
    rows = []
    for label, table in tables.items():
        scored = score(table, bin_bits=100.0, most_complexity=(SHOWN_BITS,), more_than=(5.0, 10.0))
        overall = scored.by_complexity.iloc[0]
        rows.append(
            {
                "map": label,
                "mean_shortfall": overall["mean_shortfall"],
                "is_lower_limit": overall["mean_is_lower_limit"],
                "never": overall["never"],
                "simple_5_short": scored.spots(SHOWN_BITS, 5.0),
                "simple_10_short": scored.spots(SHOWN_BITS, 10.0),
                "split": int((table["method"] == "splitting").sum()),
                "limits": overall["limits"],
                "suspect": int((table["status"] != "ok").sum()),
                "draws": table.attrs["samples"],
                "seconds": table.attrs["seconds"],
            }
        )
    return pd.DataFrame(rows)


def _listed(names: Sequence[str]) -> pd.DataFrame:
    table = reference_set(4)
    return table[table["name"].isin(names)]


def main() -> None:
    """Measure every map, keep the tables, draw, print."""
    chosen = setting(__doc__, "blind_spots_four_inputs")
    reference = reference_set(4) if chosen.name == "full" else _listed(FEW)
    tables, counts = {}, {}
    for label in CHOSEN[chosen.name]:
        tables[label], counts[label] = measured(label, chosen.name, reference, chosen.seed)
        late = int(tables[label]["reasons"].str.contains(UNREACHED).sum())
        print(f"{label}: {tables[label].attrs['seconds']:.1f} s, {late} not split", file=sys.stderr, flush=True)
    overview = summary(tables)
    for name, frame in (("table", pd.concat(tables, names=["map"]).reset_index(level=0)), ("shortfalls", shortfalls(tables)),
                        ("summary", overview)):  # fmt: skip
        with replacing(chosen.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    plots.save(heat_table(tables, reference), chosen.out / "figure")
    if not chosen.as_json:
        print(overview.round(2).to_string(index=False))
    finite = overview.astype(object).where(overview.notna(), None)  # JSON has no NaN
    report(
        chosen, "Blind spots on four inputs: 10⁻¹² and what lies above", check(tables, counts),
        maps=[{key: value for key, value in row.items() if not (isinstance(value, float) and math.isinf(value))}
              for row in finite.to_dict("records")],
    )  # fmt: skip


if __name__ == "__main__":
    main()
