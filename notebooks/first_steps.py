# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From nothing to the plot in ten lines
#
# Draw the parameters of a network at random, look at the Boolean function it computes on all $2^7$ inputs, and count.
# Functions that come up often are simple. Three architectures side by side:

# %%
import slt_bias as sb

specs = {
    "ReLU network 7-40-40-1": "mlp:hidden=40x40,preset=valle-perez-2018-normal",
    "perceptron": "perceptron",
    "cubic polynomial": "polynomial:degree=3",
}
counts = {name: sb.prior.sample(spec, 100_000) for name, spec in specs.items()}
tables = {name: sb.compare.prior_versus_complexity(counts[name]) for name in specs}
panels = [sb.plots.Panel(name, table, [sb.compare.coding_bound(table)]) for name, table in tables.items()]
figure = sb.plots.prior_versus_complexity(panels)
figure

# %% [markdown]
# Each point stands for the functions with that complexity and that probability; the dotted line is one draw in the
# sample, and nothing below it can be seen by counting. The solid line is the bound of the coding theorem,
# $\log_2 P \le -aK$, with $a$ fixed beforehand by the number of functions and the complexity of random ones.
#
# **Every number has an interval.** For a function chosen beforehand it is the exact binomial one; the rows of a table were
# picked by the draw itself, and their intervals allow for that: a function seen once or twice has the lower limit 0.

# %%
network = counts["ReLU network 7-40-40-1"]
print(network.probability("constant"))
print(network.probability("majority"))
network.table(5)

# %% [markdown]
# **How much was not seen?** Most of the probability of this network lies in functions that were never drawn, so its
# entropy is known only within wide limits, and the result says so.

# %%
print(network.unseen_mass())
print(network.entropy())

# %% [markdown]
# **Simplicity or entropy?** A map that only prefers unequal numbers of zeros and ones would look simplicity-biased too.
# The partial rank correlation compares functions with the same number of ones.

# %%
bias = sb.compare.entropy_bias(tables["ReLU network 7-40-40-1"])
print("all functions:         ", bias.rank_correlation)
print("equal numbers of ones: ", bias.partial_rank_correlation)

# %% [markdown]
# **Your own architecture** is any `torch.nn.Module` with one output an example:

# %%
import torch


def my_network():
    return torch.nn.Sequential(torch.nn.Linear(7, 16), torch.nn.GELU(), torch.nn.Linear(16, 1))


mine = sb.prior.sample(sb.maps.from_module(my_network, inputs=7), 20_000)
print(mine.distinct, "functions;", mine.probability("constant"))
