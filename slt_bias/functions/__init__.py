"""The set F: input sets, truth tables, named functions."""

from slt_bias.functions.catalogue import Reference, reference_functions
from slt_bias.functions.inputs import InputSet, from_rows, grid, hypercube, load, same_points
from slt_bias.functions.named import named, names
from slt_bias.functions.parsing import parse
from slt_bias.functions.symmetry import NPN, PERMUTATIONS, canonical, classes, orbit
from slt_bias.functions.tables import Functions

__all__ = [
    "NPN",
    "PERMUTATIONS",
    "Functions",
    "InputSet",
    "Reference",
    "canonical",
    "classes",
    "from_rows",
    "grid",
    "hypercube",
    "load",
    "named",
    "names",
    "orbit",
    "parse",
    "reference_functions",
    "same_points",
]
