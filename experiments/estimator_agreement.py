"""How far estimators of complexity agree, and which code is the shortest for each function of the catalogue.

Rank correlations (Spearman 1904) between all estimators over three sets of functions: draws of a ReLU network
(Valle-Pérez et al. 2018: 7 inputs, two hidden layers of 40), uniformly random functions of 7 inputs, and all 65,536
functions of 4 inputs. Dingle, Camargo & Louis 2018 and Valle-Pérez et al. 2018 argue that the choice of the
estimator hardly matters; it does where nothing but chance varies.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import complexity, prior
from slt_bias.compare.ranks import rank_correlation
from slt_bias.functions import Functions, parse

NETWORK = "mlp:hidden=40x40,activation=relu,inputs=7,preset=valle-perez-2018-normal"
CATALOGUE = (
    "constant",
    "projection",
    "projection:index=3",
    "and",
    "or",
    "parity",
    "parity:bits=4",
    "majority",
    "threshold:k=3",
    "multiplexer",
    "interval",
    "periodic:pattern=0110100",
    "junta",
    "dnf",
    "random",
)
STRUCTURED = tuple(name for name in CATALOGUE if name != "random")
CLAIMED_PAIRS = (  # over the network's draws these rank alike
    ("lz", "lzma", 0.8),
    ("lz", "ctw", 0.8),
    ("lz", "code", 0.8),
    ("lz", "entropy", 0.5),
)


def draws(samples: int, seed: int) -> Functions:
    """Functions of the network, each as often as it was drawn."""
    table = prior.sample(NETWORK, samples=samples, seed=seed).table()
    return parse(np.repeat(table["function"].to_numpy(dtype=object), table["count"].to_numpy()))


def uniform(samples: int, points: int, seed: int) -> Functions:
    """Uniformly random functions."""
    return Functions.from_values(np.random.default_rng(seed).random((samples, points)) < 0.5)


def all_of_four_inputs(every: int) -> Functions:
    """All functions of 4 inputs, or each `every`-th."""
    numbers = np.arange(0, 65536, every)
    return Functions(np.stack([numbers >> 8, numbers & 255], axis=1).astype(np.uint8), 16)


def winners() -> pd.DataFrame:
    """For each function of the catalogue at 7 inputs: bits of the shortest code, its family, and of context trees."""
    functions = parse(CATALOGUE, 7)
    return pd.DataFrame(
        {
            "function": CATALOGUE,
            "code": complexity.code(functions).astype(int),
            "family": complexity.winner(functions),
            "ctw": complexity.ctw(functions).round(1),
            "lz": complexity.lz(functions),
        }
    )


def claims(network: Functions, table: pd.DataFrame) -> list[Claim]:
    """What is expected and what is measured."""
    found = []
    for one, other, least in CLAIMED_PAIRS:
        estimate = rank_correlation(complexity.compute(network, one), complexity.compute(network, other))
        name = f"rank correlation of {one} and {other} over the network's draws"
        found.append(Claim(name, f"at least {least}", estimate.value, estimate.low, estimate.high, estimate.low >= least))
    structured = table[table["function"].isin(STRUCTURED)]
    shorter = float((structured["ctw"] - structured["code"]).mean())
    name = "bits by which code is shorter than ctw on the structured catalogue, on average"
    return [*found, Claim(name, "above 0", shorter, shorter, shorter, shorter > 0)]


def main() -> None:
    """Print the tables and the claims."""
    chosen = setting(__doc__, "estimator_agreement")
    samples = {"smoke": 400, "quick": 10_000, "full": 100_000}[chosen.name]
    sets = {
        "network": draws(samples, chosen.seed),
        "uniform": uniform(samples, 128, chosen.seed),
        "all of 4 inputs": all_of_four_inputs(97 if chosen.name == "smoke" else 1),
    }
    agreement = {name: complexity.rank_agreement(functions) for name, functions in sets.items()}
    catalogue = winners()
    if not chosen.as_json:
        for name, table in agreement.items():
            print(f"\nSpearman's rank correlation over {len(sets[name])} functions: {name}")
            print(table.round(2).to_string(na_rep="-"))
        print("\nThe shortest code of each function of the catalogue, 7 inputs (bits; lz in its own units)")
        print(catalogue.to_string(index=False))
    tables = {
        name: {row: {k: None if v != v else v for k, v in cells.items()} for row, cells in table.to_dict("index").items()}
        for name, table in agreement.items()
    }
    found = claims(sets["network"], catalogue)
    report(chosen, "Agreement of complexity estimators", found, agreement=tables, catalogue=catalogue.to_dict("records"))


if __name__ == "__main__":
    main()
