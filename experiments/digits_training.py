"""The learning coefficient along training: a classifier with two hidden layers on scikit-learn's digits.

Hoogland et al. 2024 (arXiv 2402.02364): as the loss falls, the estimated local learning coefficient rises; Lau et al. 2023
(arXiv 2308.12108): it stays far below half the number of parameters. Here λ̂, its interval and its verdict at 20 checkpoints of
each run, all checkpoints × chains at once, L_n over the training examples. Most of the rise is no change of λ: before the loss
is low, the weights are no minimum, the chains go below L(w*) and λ̂ is negative; the verdict says so.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import pandas as pd
import torch
from common import Claim, Setting, report, setting
from sklearn.datasets import load_digits

import slt_bias as sb
from slt_bias import streams
from slt_bias.compare.ranks import rank_correlation
from slt_bias.files import write_text
from slt_bias.llc.losses import cross_entropy
from slt_bias.workflows.training import checkpoint_steps, train, trajectory

HIDDEN = (12, 12)
CLASSES = 10
LOCALIZATION = 10.0  # γ: chains stay within about 1/√γ of each checkpoint
SECONDS = 120.0  # what 20 checkpoints may take on two cores
SIZES = {  # training steps, checkpoints, seeds, examples, chains, draws
    "full": (3000, 20, 3, 1000, 4, 120),
    "quick": (3000, 8, 1, 1000, 4, 100),
    "smoke": (200, 2, 1, 60, 4, 20),
}


def digits(examples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with pixels in [0, 1] and their classes."""
    images, classes = load_digits(return_X_y=True)
    return torch.tensor(images[:examples] / 16, dtype=torch.float64), torch.tensor(classes[:examples], dtype=torch.int64)


def network(seed: int) -> torch.nn.Sequential:
    """64 → hidden → 10 with tanh; weights normal of variance 1/fan_in, biases 0."""
    sizes = (64, *HIDDEN, CLASSES)
    layers: list[torch.nn.Module] = []
    for place, (before, after) in enumerate(itertools.pairwise(sizes)):
        layer = torch.nn.Linear(before, after, dtype=torch.float64)
        weights = streams.normals(seed, "digits network", place, (after, before)).astype(float) / np.sqrt(before)
        layer.load_state_dict({"weight": torch.from_numpy(weights), "bias": torch.zeros(after, dtype=torch.float64)})
        layers += [layer, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def measure(chosen: Setting) -> tuple[dict[str, pd.DataFrame], float, int]:
    """A table of checkpoints for each seed, the seconds of the slowest, and the number of parameters."""
    steps, checkpoints, seeds, examples, chains, draws = SIZES[chosen.name]
    data = digits(examples)
    tables, slowest = {}, 0.0
    for seed in range(chosen.seed, chosen.seed + seeds):
        start = network(seed)
        run = train(
            start, cross_entropy(), data, steps=checkpoint_steps(steps, checkpoints), batch_size=64, seed=seed,
            optimiser=lambda parameters: torch.optim.Adam(parameters, lr=3e-3),
        )  # fmt: skip
        began = time.perf_counter()
        tables[f"seed {seed}"] = trajectory(
            start, run.checkpoints, cross_entropy(), data, run.steps, localization=LOCALIZATION, chains=chains, draws=draws,
            seed=seed,
        )  # fmt: skip
        slowest = max(slowest, time.perf_counter() - began)
    return tables, slowest, sum(parameter.numel() for parameter in start.parameters())


def claims(tables: dict[str, pd.DataFrame], seconds: float, parameters: int, checkpoints: int) -> list[Claim]:
    """What was said and what is measured."""
    rows = pd.concat(tables.values())
    numbers = rows[np.isfinite(rows["value"])]
    last = pd.concat([table.iloc[[-1]] for table in tables.values()])
    judged = int(rows["status"].isin(["ok", "suspect", "failed"]).sum())
    found = [
        Claim("checkpoints with a verdict", f"all {len(rows)}", judged, judged, judged, judged == len(rows)),
        Claim(
            "last checkpoint: λ̂ over half the parameters", "far below 1", *(
                float(last[name].mean() / (parameters / 2)) for name in ("value", "low", "high")
            ), bool((last["high"] < parameters / 4).all()),
        ),
    ]  # fmt: skip
    if checkpoints >= 8:
        found.insert(
            1, Claim(f"seconds for {checkpoints} checkpoints", f"below {SECONDS:g}", seconds, seconds, seconds, seconds < SECONDS)
        )
        rank = rank_correlation(numbers["loss"].to_numpy(), numbers["value"].to_numpy())
        found.append(Claim("rank correlation of loss and λ̂", "< 0", rank.value, rank.low, rank.high, rank.high < 0))
        first = pd.concat([table.iloc[[0]] for table in tables.values()])
        told = bool((first["high"] < 0).all() and (first["status"] == "suspect").all())
        numbers_of_first = (float(first[name].mean()) for name in ("value", "low", "high"))
        found.append(Claim("untrained: λ̂, which the verdict calls suspect", "< 0, no minimum", *numbers_of_first, told))
    return found


def main() -> None:
    """Train, measure, draw, print."""
    chosen = setting(__doc__, "digits_training")
    tables, seconds, parameters = measure(chosen)
    checkpoints = SIZES[chosen.name][1]
    title = f"64-{'-'.join(map(str, HIDDEN))}-{CLASSES} tanh on digits, {parameters:,} parameters"
    sb.plots.save(sb.plots.trajectory(tables, logarithmic=True, title=title), chosen.out / "figure")
    joined = pd.concat(tables, names=["run"]).reset_index("run")
    write_text(chosen.out / "checkpoints.csv", joined.to_csv(index=False))
    if not chosen.as_json:
        columns = ["run", "step", "loss", "value", "low", "high", "status"]
        print(joined[columns].round(3).to_string(index=False))
    verdicts = joined["status"].value_counts().to_dict()
    report(
        chosen, "The learning coefficient along training, digits", claims(tables, seconds, parameters, checkpoints),
        parameters=parameters, seconds=seconds, verdicts=verdicts,
    )  # fmt: skip


if __name__ == "__main__":
    main()
