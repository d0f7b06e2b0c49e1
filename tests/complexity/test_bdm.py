"""Block decomposition: the sum by hand, and pybdm itself."""

import gzip
import importlib.util
import pickle
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity import bdm as estimator
from slt_bias.complexity.registry import ESTIMATORS
from slt_bias.errors import InputError
from slt_bias.functions import Functions

needs_tables = pytest.mark.skipif(importlib.util.find_spec("pybdm") is None, reason="pybdm is not installed")


@pytest.fixture
def pybdm(monkeypatch):
    """pybdm with a stand-in for pkg_resources, which it needs to open its tables."""
    resources = types.ModuleType("pkg_resources")

    def open_resource(package, name):
        return (Path(importlib.util.find_spec("pybdm").origin).parent / "ctmdata" / name).open("rb")

    resources.resource_stream = open_resource
    monkeypatch.setitem(sys.modules, "pkg_resources", resources)
    import pybdm
    from pybdm.partitions import PartitionRecursive

    yield pybdm.BDM(ndim=1, partition=PartitionRecursive, min_length=1)
    for name in [name for name in sys.modules if name.startswith("pybdm")]:
        del sys.modules[name]


@needs_tables
@pytest.mark.filterwarnings("default::SyntaxWarning", "default::DeprecationWarning")
@pytest.mark.parametrize("points", [1, 5, 11, 12, 13, 24, 100, 128])
def test_as_pybdm_computes_it(points, pybdm):
    tables = np.random.default_rng(points).random((20, points)) < 0.3
    tables[0] = 0
    expected = [pybdm.bdm(table.astype(int)) for table in tables]
    assert complexity.bdm(Functions.from_values(tables)) == pytest.approx(expected, rel=1e-12)


@needs_tables
def test_by_hand():
    folder = Path(importlib.util.find_spec("pybdm").origin).parent
    known = pickle.loads(gzip.decompress((folder / "ctmdata" / "ctm-b2-d12.pkl.gz").read_bytes()))
    block, rest = "011010011001", "10110100"
    blocks = Counter({block: 10, rest: 1})
    value = sum(known[len(s),][s if s[0] == "0" else s.translate({48: "1", 49: "0"})] + np.log2(n) for s, n in blocks.items())
    assert complexity.bdm(block * 10 + rest) == pytest.approx(value)
    assert complexity.bdm("") == 0
    assert complexity.bdm([]).shape == (0,)


def test_without_pybdm(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    module = sys.modules[estimator.__module__]
    module._turing_table.cache_clear()
    with pytest.raises(InputError, match="pip install pybdm"):
        complexity.bdm("0110")
    assert not ESTIMATORS["bdm"].reaches(4)
