"""The set F: input sets, truth tables, named functions."""

from slt_bias.functions.inputs import InputSet, from_rows, grid, hypercube, load, same_points
from slt_bias.functions.named import named, names
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions

__all__ = ["Functions", "InputSet", "from_rows", "grid", "hypercube", "load", "named", "names", "parse", "same_points"]
