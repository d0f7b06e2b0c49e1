"""Seventeen parameter-function maps side by side at 7 inputs: one figure, a row of numbers each, and the three controls.

`layered` prefers functions by their number of ones alone: what looks like simplicity bias there is entropy bias, and the rank
correlation at equal numbers of ones is 0 (Fink 2026). `scrambled` has the Zipf curve of the network within, to the bit, and
no bias towards anything simple. All Walsh functions with equal variance make every function equally likely.

Run: .venv/bin/python experiments/architectures.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

from common import Claim, report, setting

from slt_bias import maps
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.compare import CompareResult, compare

NETWORK = "mlp:hidden=40x40,inputs=7,preset=valle-perez-2018-normal"
SPECS = {
    "network": NETWORK,
    "tanh": "mlp:hidden=40x40,activation=tanh,preset=valle-perez-2018-normal",
    "perceptron": "perceptron",
    "cubic": "polynomial:degree=3",
    "walsh-null": "polynomial:degree=7,inputs=7,values=pm1",
    "transformer": "transformer",
    "cnn": "cnn",
    "rnn": "rnn",
    "lstm": "lstm",
    "fourier": "fourier",
    "random-features": "random-features",
    "tree": "tree",
    "circuit": "circuit",
    "transducer": "transducer",
    "layered": "layered:depth=128",
    "scrambled": f"scrambled:map=[{NETWORK}],key=1",
    "uniform": "uniform",
}
SMOKE = ("network", "walsh-null", "layered", "scrambled", "uniform")  # the maps that the claims need
PARTIAL = "partial_rank_correlation"
SAMPLES = {"full": 200_000, "quick": 50_000, "smoke": 50_000}


def check(result: CompareResult, names: list[str]) -> list[Claim]:
    """The controls: what is known of them against what was measured."""
    rows = dict(zip(names, result.table.to_dict("records"), strict=True))
    layered, scrambled, network, uniform = (rows[name] for name in ("layered", "scrambled", "network", "uniform"))
    counts = {name: FunctionCounts.load(result.out / rows[name]["counts"]) for name in ("network", "scrambled")}
    same = float(abs(counts["network"].count - counts["scrambled"].count).sum())
    return [
        _zero("layered: rank correlation of P and K at equal numbers of ones", layered, PARTIAL),
        _zero("scrambled: rank correlation of P and K", scrambled, "rank_correlation"),
        Claim("scrambled: differences of its Zipf curve from the network's", "0", same, same, same, same == 0),
        _below_zero("layered: rank correlation of P and K", layered, "rank_correlation"),
        _below_zero("network: rank correlation of P and K", network, "rank_correlation"),
        _mean("uniform: mean K less that of random strings", uniform),
        _mean("walsh-null: mean K less that of random strings", rows["walsh-null"]),
    ]


def _claim(name: str, claimed: str, row: dict, key: str, holds: bool) -> Claim:
    return Claim(name, claimed, row[key], row[f"{key}_low"], row[f"{key}_high"], bool(holds))


def _below_zero(name: str, row: dict, key: str) -> Claim:
    return _claim(name, "below 0", row, key, row[f"{key}_high"] < 0)


def _zero(name: str, row: dict, key: str) -> Claim:
    """At 99.99 %: twice the half-width of the 95 % interval."""
    reach = row[f"{key}_high"] - row[f"{key}_low"]
    return _claim(name, "0", row, key, abs(row[key]) < reach)


def _mean(name: str, row: dict) -> Claim:
    """A difference of two means, that of 10⁵ random strings among them, at 4 standard errors."""
    difference, error = row["mean_complexity"] - row["mean_complexity_uniform"], 4 * 1.5 * row["mean_complexity_error"]
    return Claim(name, "0", difference, difference - error, difference + error, abs(difference) < error)


def main() -> None:
    """Draw all maps, write the comparison, check the controls."""
    chosen = setting(__doc__, "architectures")
    names = list(SMOKE if chosen.name == "smoke" else SPECS)
    result = compare(
        [maps.parse(SPECS[name]) for name in names],
        samples=SAMPLES[chosen.name],
        seed=chosen.seed,
        out=chosen.out,
        progress=not chosen.as_json,
    )
    if not chosen.as_json:
        columns = ["distinct", "constant_0", "unseen_mass", "mean_complexity", "rank_correlation", "partial_rank_correlation"]
        print(result.table.assign(map=names).set_index("map")[columns].round(4).to_string())
    report(chosen, "Seventeen architectures and three controls", check(result, names), report=str(result.report))


if __name__ == "__main__":
    main()
