"""Bayes against training: is a function found by gradient descent as often as the prior, given the training rows, says?

Mingard, Valle-Pérez, Skalse & Louis 2021 (J. Mach. Learn. Res. 22, 79) find that the probability with which SGD ends in a
function f of zero training error, P_train(f | S), is close to the Bayesian P(f | S) = P(f)/P(S) for f that fit S (their figure
1: strongly correlated over many orders, within about one order for the functions found most often). They estimate P(f | S) by
a Gaussian process; here it is that of the very network, (5, 20, 20, 1) ReLU on {0,1}⁵ under `valle-perez-2018-normal`.

P(f | S): draws that fit S are kept (S is fitted by some 10⁻³ of them); functions are chosen by one half of the draws and
measured by the other, so that the choice favours none; some are checked by splitting (`sb.prior.probability(given=…)`).
P_train: thousands of networks drawn from the same law and trained at once, each until it first fits S: full-batch gradient
descent at a small and a large learning rate, and SGD on a few rows a step; cross-entropy. No test row is ever looked at. A
function is its 32 outputs. Rank correlations are Spearman's over the chosen functions, those never found ranked last; "strong"
is taken to be an interval above 0.5, as the paper gives no number for it. Sampling alone keeps them below 1: the correlation
between the two halves of the draws, printed beside, says how far.

Run: .venv/bin/python experiments/bayes_against_training.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import maps, plots, prior, streams
from slt_bias.compare.ranks import rank_correlation
from slt_bias.estimate import clopper_pearson
from slt_bias.files import replacing
from slt_bias.functions.tables import Functions

if TYPE_CHECKING:
    import torch

SPEC = "mlp:hidden=20x20,inputs=5,preset=valle-perez-2018-normal"
DRAWS = {"full": 100_000_000, "quick": 12_000_000, "smoke": 500_000}
NETWORKS = {"full": 20_000, "quick": 6000, "smoke": 200}
CHECKED = {"full": 12, "quick": 3, "smoke": 0}  # functions whose P(f | S) splitting checks, of each target
LEAST, LEAST_SHARE = 10, 1e-3  # counts (an error of 30 %) and frequency in the choosing half, so that training can meet it
TOGETHER = 2000  # networks trained at once: activations stay small
MOST_STEPS = 20_000


@dataclass(frozen=True)
class Target:
    """What the training rows are labelled with, and how many rows there are."""

    name: str
    rows: int

    def table(self, points: np.ndarray) -> np.ndarray:
        """bool (32,)."""
        on = points > 0.5
        return on[:, 0] if self.name == "x₀" else on[:, 0] | (on[:, 1] & on[:, 2])


@dataclass(frozen=True)
class Trainer:
    """Gradient descent: learning rate, and rows a step (None: all)."""

    name: str
    learning_rate: float
    batch: int | None = None


TARGETS = (Target("x₀ or (x₁ and x₂)", 12), Target("x₀", 16))
SMALL_RATE = Trainer("small rate: 0.05", 0.05)
LARGE_RATE = Trainer("large rate: 0.5", 0.5)
STOCHASTIC = Trainer("SGD, 4 rows a step: 0.1", 0.1, 4)
TRAINERS = (SMALL_RATE, LARGE_RATE, STOCHASTIC)
CHOSEN = {"full": (TARGETS, TRAINERS), "quick": (TARGETS, TRAINERS), "smoke": (TARGETS[1:], (LARGE_RATE,))}


def training_rows(target: Target, seed: int) -> np.ndarray:
    """A random subset of the 32 points, rising."""
    order = np.argsort(streams.uniforms(seed, ["bayes against training", "rows", target.name], 0, (32,)))
    return np.sort(order[: target.rows])


def bayes(targets: tuple[Target, ...], seed: int, draws: int) -> list[tuple[Counter, Counter]]:
    """For each target two counters of the functions (bytes) among the draws that fit its rows: even and odd blocks."""
    map = maps.parse(SPEC)
    found: list[tuple[Counter, Counter]] = [(Counter(), Counter()) for _ in targets]
    wanted = []
    for target in targets:
        mask = np.isin(np.arange(32), training_rows(target, seed))
        wanted.append((np.packbits(mask), np.packbits(target.table(map.inputs.points) & mask)))
    for block in range(-(-draws // map.block)):
        packed = map.draw_functions(seed, block, map.block)
        for counters, (mask, values) in zip(found, wanted, strict=True):
            fitting = packed[((packed & mask) == values).all(axis=1)]
            counters[block % 2].update(row.tobytes() for row in fitting)
    return found


def forward(layers: list[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """Outputs (networks, rows) of networks with layers W₁, b₁, W₂, b₂, …; inputs (features, rows) or (networks, …)."""
    import torch

    h = inputs if inputs.ndim == 3 else inputs.expand(len(layers[0]), *inputs.shape)
    for place in range(0, len(layers), 2):
        h = torch.baddbmm(layers[place + 1], layers[place], h)
        if place < len(layers) - 2:
            h = torch.relu(h)
    return h[:, 0]


def train(target: Target, trainer: Trainer, seed: int, networks: int) -> tuple[Counter, int, float]:
    """(functions found, networks that did not come to fit in MOST_STEPS, mean number of steps)."""
    found: Counter = Counter()
    left, steps = 0, []
    for first in range(0, networks, TOGETHER):
        some, remaining, taken = _train(target, trainer, seed, first // TOGETHER, min(TOGETHER, networks - first))
        found.update(row.tobytes() for row in some)
        left += remaining
        steps += taken
    return found, left, float(np.mean(steps)) if steps else math.nan


def _train(target: Target, trainer: Trainer, seed: int, block: int, count: int) -> tuple[np.ndarray, int, list[int]]:
    """Networks of one block, each until its outputs on the training rows are all right; those leave the batch."""
    import torch

    map = maps.parse(SPEC)
    rows = training_rows(target, seed)
    labels = torch.from_numpy(target.table(map.inputs.points)[rows])
    signs = torch.where(labels, 1.0, -1.0)
    points = torch.from_numpy(map.inputs.points.astype(np.float32)).T.contiguous()
    seen = points[:, rows].contiguous()
    purpose = ["bayes against training", target.name, trainer.name]
    flat = map.parameters(torch.from_numpy(streams.normals(seed, [*purpose, "initial"], block, (count, map.latents))))
    layers, at = [], 0
    for fan_in, fan_out in zip(map.network.widths[:-1], map.network.widths[1:], strict=True):
        for size, shape in ((fan_in * fan_out, (fan_out, fan_in)), (fan_out, (fan_out, 1))):
            layers.append(flat[:, at : at + size].reshape(count, *shape).clone())
            at += size
    functions, steps = [], []
    for step in range(MOST_STEPS):
        with torch.no_grad():
            fitted = ((forward(layers, seen) > 0) == labels).all(dim=1)
            if fitted.any():
                outputs = forward([layer[fitted] for layer in layers], points)
                functions.append(np.packbits((outputs > 0).numpy(), axis=1))
                steps += [step] * len(outputs)
                layers = [layer[~fitted] for layer in layers]
        if len(layers[0]) == 0:
            break
        x, y = seen, signs
        if trainer.batch is not None:
            number = step * TOGETHER + block * MOST_STEPS * TOGETHER  # a stream of its own for each step
            picked = streams.integers(seed, [*purpose, "rows"], number, (len(layers[0]), trainer.batch), len(rows))
            index = torch.from_numpy(picked)
            x, y = seen.T[index].transpose(1, 2), signs[index]
        layers = [layer.requires_grad_() for layer in layers]
        margins = forward(layers, x) * y
        loss = torch.nn.functional.softplus(-margins).mean(dim=1).sum()  # cross-entropy, nats
        gradients = torch.autograd.grad(loss, layers)
        layers = [(layer - trainer.learning_rate * slope).detach() for layer, slope in zip(layers, gradients, strict=True)]
    return np.concatenate(functions) if functions else np.empty((0, 4), np.uint8), len(layers[0]), steps


def compared(halves: tuple[Counter, Counter], found: Counter) -> pd.DataFrame:
    """Functions met often enough in the choosing half: P(f | S) from the other one, and from training, with 95 % intervals."""
    choosing, measuring = halves
    draws, networks = sum(measuring.values()), sum(found.values())
    rows = []
    for function, count in choosing.items():
        if count < max(LEAST, LEAST_SHARE * sum(choosing.values())):
            continue
        row: dict[str, Any] = {"function": Functions(np.frombuffer(function, np.uint8)[None], 32).strings()[0]}
        for name, hits, among in (("bayes", measuring[function], draws), ("training", found[function], networks)):
            low, high = clopper_pearson(hits, among)
            row |= {f"{name}_count": hits, name: hits / among, f"{name}_low": low, f"{name}_high": high}
        rows.append({**row, "chosen_by": count})
    if not rows:
        raise SystemExit(f"no function was met {LEAST} times among the draws that fit the rows: take more draws")
    return pd.DataFrame(rows).sort_values("bayes", ascending=False, ignore_index=True)


def check(table: pd.DataFrame, target: Target, chosen: str, seed: int) -> pd.DataFrame:
    """P(f | S) by splitting for functions spread evenly over the ranks, beside counting, in bits."""
    places = np.unique(np.linspace(0, len(table) - 1, CHECKED[chosen] * 2).astype(int)[:: 2 if len(table) > 1 else 1])
    rows = []
    for place in places[: CHECKED[chosen]]:
        one = table.iloc[place]
        walked = prior.probability(
            SPEC, one["function"], seed=seed, given=training_rows(target, seed), method="splitting", relative_error=0.2, workers=1
        )
        evidence = walked.evidence.value if walked.evidence else math.nan
        rows.append(
            {
                "target": target.name, "function": one["function"], "splitting": walked.value, "splitting_low": walked.low,
                "splitting_high": walked.high, "status": walked.status, "evidence": evidence,
                "counted": math.log2(max(one["bayes"], 1e-300)), "counted_low": math.log2(max(one["bayes_low"], 1e-300)),
                "counted_high": math.log2(one["bayes_high"]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def claims_of(target: Target, trainer: Trainer, table: pd.DataFrame, found: Counter, left: int, chosen: str) -> list[Claim]:
    """What the paper says of one target and trainer."""
    title, networks = f"{target.name}; {trainer.name}", sum(found.values()) + left
    share = 1 - left / networks
    low, high = clopper_pearson(networks - left, networks)
    claims = [Claim(f"{title}: share trained to zero error", "all, nearly", share, low, high, share > 0.99)]
    if chosen == "smoke":
        return claims
    rank = rank_correlation(table["bayes"].to_numpy(), table["training"].to_numpy())
    claims.append(Claim(f"{title}: rank correlation", "strong: > 0.5", rank.value, rank.low, rank.high, rank.low > 0.5))
    both = table[(table["bayes_count"] >= LEAST) & (table["training_count"] >= LEAST)]
    ratio = np.abs(np.log10(both["training"] / both["bayes"])).to_numpy()
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95]) if len(ratio) else (math.nan,) * 3
    text = "< 1: within a factor 10"
    claims.append(Claim(f"{title}: |log₁₀ ratio|, median and 5–95 %", text, float(middle), float(low), float(high), high < 1))
    place = float(1 + (table["training"] > table["training"].iloc[0]).sum())
    text = "1st: the most probable f"
    claims.append(Claim(f"{title}: place of the top f in training", text, place, place, place, place == 1))
    return claims


def draw(panels: list[tuple[Target, Trainer, pd.DataFrame]], checks: pd.DataFrame) -> Any:
    """A row a target, a column a trainer: both probabilities on logarithmic axes; never found: on the lower edge."""
    from slt_bias.plots import styles

    targets = list(dict.fromkeys(target for target, _, _ in panels))
    trainers = list(dict.fromkeys(trainer for _, trainer, _ in panels))
    figure = plots.Picture(figsize=(4.3 * len(trainers) + 0.4, 4.2 * len(targets) + 0.6), layout="constrained")
    grid = figure.subplots(len(targets), len(trainers), squeeze=False)
    for target, trainer, table in panels:
        row, column = targets.index(target), trainers.index(trainer)
        axes, style = grid[row, column], styles.line_style(column)
        seen = table[(table["training_count"] > 0) & (table["bayes_count"] > 0)]
        spread = [
            np.array([seen[name] - seen[f"{name}_low"], seen[f"{name}_high"] - seen[name]]) for name in ("bayes", "training")
        ]
        axes.errorbar(
            seen["bayes"], seen["training"], xerr=spread[0], yerr=spread[1], marker=style["marker"], color=style["color"],
            markersize=3.5, linestyle="none", elinewidth=0.4, alpha=0.75, label="a function, 95 % intervals",
        )  # fmt: skip
        tables = [each for other, _, each in panels if other == target]  # a row has the same axes
        bottom = min(min([1.0, *each["training"].replace(0, 1.0), *each["bayes"].replace(0, 1.0)]) for each in tables) / 3
        never = table[(table["training_count"] == 0) & (table["bayes_count"] > 0)]
        if len(never):
            axes.plot(
                never["bayes"], np.full(len(never), bottom * 1.15), marker="v", markerfacecolor="white", color="0.35",
                markersize=4, linestyle="none", label=f"never found in training: {len(never)}",
            )  # fmt: skip
        top = 5 * max(float(each[["training", "bayes"]].max().max()) for each in tables)
        ends = np.array([bottom, top])
        axes.plot(ends, ends, color="0.5", linewidth=1.0, label="equal", zorder=0)
        asked = checks[checks["target"] == target.name] if len(checks) else checks
        if len(asked):
            at = asked.merge(table, on="function")
            shown = at["training"].clip(lower=bottom * 1.15)
            walked = np.exp2(at[["splitting", "splitting_low", "splitting_high"]].to_numpy())
            spread_x = np.array([walked[:, 0] - walked[:, 1], walked[:, 2] - walked[:, 0]])
            axes.errorbar(walked[:, 0], shown, xerr=spread_x, marker="*", color="black", markersize=9, linestyle="none",
                          markerfacecolor="none", elinewidth=1.0, label="P(f | S) by splitting")  # fmt: skip
        rank = rank_correlation(table["bayes"].to_numpy(), table["training"].to_numpy())
        title = f"{target.name}, {target.rows} rows; {trainer.name}\nrank correlation {rank.value:.2f}"
        axes.set(xscale="log", yscale="log", xlabel="P(f | S), Bayes", ylabel="frequency in training")
        axes.set(xlim=(bottom, top), ylim=(bottom, top))
        axes.set_title(title)
        axes.title.set_fontsize(9.5)
        axes.legend(fontsize=7.5, frameon=False, loc="upper left")
    return figure


def main() -> None:
    """Measure, keep the tables, draw, print."""
    chosen = setting(__doc__, "bayes_against_training")
    targets, trainers = CHOSEN[chosen.name]
    began = time.perf_counter()
    counted = bayes(targets, chosen.seed, DRAWS[chosen.name])
    print(f"draws: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    panels, claims, tables, checked = [], [], [], []
    for target, halves in zip(targets, counted, strict=True):
        for trainer in trainers:
            began = time.perf_counter()
            found, left, steps = train(target, trainer, chosen.seed, NETWORKS[chosen.name])
            table = compared(halves, found)
            covered = float(table["training"].sum())
            halved = rank_correlation(table["chosen_by"].to_numpy(), table["bayes"].to_numpy())
            print(
                f"{target.name}; {trainer.name}: {steps:.0f} steps, {time.perf_counter() - began:.1f} s, {len(found)} functions "
                f"found, {len(table)} chosen, which have {covered:.0%} of training and {table['bayes'].sum():.0%} of P(· | S); "
                f"rank correlation of the two halves of the draws {halved.value:.2f}",
                file=sys.stderr,
            )
            claims += claims_of(target, trainer, table, found, left, chosen.name)
            panels.append((target, trainer, table))
            tables.append(table.assign(target=target.name, trainer=trainer.name))
        if CHECKED[chosen.name]:
            checked.append(check(table, target, chosen.name, chosen.seed))
    checks = pd.concat(checked, ignore_index=True) if checked else pd.DataFrame()
    if len(checks):
        print(checks.drop(columns="function").to_string(float_format="%.2f"), file=sys.stderr)
        apart = (checks["splitting_low"] <= checks["counted_high"]) & (checks["counted_low"] <= checks["splitting_high"])
        share = float(apart.mean())
        name = "P(f | S): splitting and counting, intervals that meet"
        claims.append(Claim(name, "≥ 0.95", share, share, share, share >= 0.95))
    for name, frame in (("table", pd.concat(tables)), ("checks", checks)):
        with replacing(chosen.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    plots.save(draw(panels, checks), chosen.out / "figure")
    report(chosen, "Bayes against training: P(f | S) and how often gradient descent finds f", claims)


if __name__ == "__main__":
    main()
