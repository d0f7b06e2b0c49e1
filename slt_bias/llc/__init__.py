"""Learning coefficients: λ near one w*, by sampling, by volumes, and exactly. Modules are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "estimate": "estimator",
    "estimate_many": "estimator",
    "calibrate": "calibration",
    "Calibration": "calibration",
    "LearningCoefficient": "result",
    "volume_scaling": "volume",
    "observe": "observables",
    "wbic": "observables",
    "waic": "observables",
    "singular_fluctuation": "observables",
    "influence": "influence_functions",
    "susceptibilities": "influence_functions",
    "component_susceptibilities": "influence_functions",
    "compressibility": "codes",
    "sweep": "step_sweep",
    "SGLD": "samplers.sgld",
    "RMSpropSGLD": "samplers.rmsprop_sgld",
    "SGNHT": "samplers.sgnht",
    "MALA": "samplers.mala",
    "HMC": "samplers.hmc",
}
_MODULES = ("exact", "losses")

__all__ = sorted([*_PLACES, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"slt_bias.llc.{_PLACES[name]}"), name)
    if name in _MODULES:
        return import_module(f"slt_bias.llc.{name}")
    raise AttributeError(f"module 'slt_bias.llc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
