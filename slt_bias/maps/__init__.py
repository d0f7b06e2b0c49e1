"""Parameter-function maps: one file a family, each with its law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.law import Law
from slt_bias.maps.registry import FAMILIES, family, parse

if TYPE_CHECKING:
    from slt_bias.maps.circuit import Circuit
    from slt_bias.maps.cnn import CNN
    from slt_bias.maps.fourier import Fourier
    from slt_bias.maps.layered import Layered
    from slt_bias.maps.lstm import LSTM
    from slt_bias.maps.mlp import MLP
    from slt_bias.maps.module import from_module
    from slt_bias.maps.perceptron import Perceptron
    from slt_bias.maps.polynomial import Polynomial
    from slt_bias.maps.random_features import RandomFeatures
    from slt_bias.maps.rnn import RNN
    from slt_bias.maps.scrambled import Scrambled
    from slt_bias.maps.transducer import Transducer
    from slt_bias.maps.transformer import Transformer
    from slt_bias.maps.tree import Tree
    from slt_bias.maps.uniform import Uniform

__all__ = [
    "CNN", "FAMILIES", "LSTM", "MLP", "RNN", "Circuit", "DiscreteMap", "Fourier", "LatentMap", "Law", "Layered", "Map",
    "Perceptron", "Polynomial", "RandomFeatures", "Scrambled", "Transducer", "Transformer", "Tree", "Uniform", "family",
    "from_module", "parse",
]  # fmt: skip

_CLASSES = {class_name: module for module, class_name in FAMILIES.values()} | {"from_module": "module"}


def __getattr__(name: str) -> Any:
    """Families are imported when they are first used."""
    if name in _CLASSES:
        from importlib import import_module

        return getattr(import_module(f"slt_bias.maps.{_CLASSES[name]}"), name)
    raise AttributeError(f"module 'slt_bias.maps' has no attribute {name!r}")
