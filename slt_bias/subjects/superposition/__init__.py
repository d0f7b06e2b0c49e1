"""Toy models of superposition (Elhage et al. 2022; Chen et al. 2023): data laws, models, exact losses, measures, geometry."""

from slt_bias.subjects.superposition.alignment import align
from slt_bias.subjects.superposition.critical import Polygon, exact_learning_coefficient, polygons
from slt_bias.subjects.superposition.critical_search import CriticalPoints, critical_points
from slt_bias.subjects.superposition.geometry import Component, components, connected_components, tegum_product
from slt_bias.subjects.superposition.laws import (
    AnticorrelatedSets,
    Binary,
    CorrelatedSets,
    IndependentFeatures,
    Law,
    OneHot,
    set_of_each,
)
from slt_bias.subjects.superposition.levels import classify, energy_levels
from slt_bias.subjects.superposition.measures import dimensions_per_feature, feature_dimensionality, norms, superposition
from slt_bias.subjects.superposition.model import Fitted, Model
from slt_bias.subjects.superposition.newton import Minima, settle
from slt_bias.subjects.superposition.one_hot import one_hot_gradient, one_hot_loss
from slt_bias.subjects.superposition.phases import PHASES, TheoreticalPhase, phase_of, theoretical_phase
from slt_bias.subjects.superposition.population import independent_gradient, independent_loss, linear_gradient, linear_loss
from slt_bias.subjects.superposition.systems import autoencoder, system
from slt_bias.subjects.superposition.vulnerability import (
    Attack,
    Vulnerability,
    ascended_attacks,
    row_attacks,
    vulnerability,
    without_superposition,
)

__all__ = [
    "PHASES",
    "AnticorrelatedSets",
    "Attack",
    "Binary",
    "Component",
    "CorrelatedSets",
    "CriticalPoints",
    "Fitted",
    "IndependentFeatures",
    "Law",
    "Minima",
    "Model",
    "OneHot",
    "Polygon",
    "TheoreticalPhase",
    "Vulnerability",
    "align",
    "ascended_attacks",
    "autoencoder",
    "classify",
    "components",
    "connected_components",
    "critical_points",
    "dimensions_per_feature",
    "energy_levels",
    "exact_learning_coefficient",
    "feature_dimensionality",
    "independent_gradient",
    "independent_loss",
    "linear_gradient",
    "linear_loss",
    "norms",
    "one_hot_gradient",
    "one_hot_loss",
    "phase_of",
    "polygons",
    "row_attacks",
    "set_of_each",
    "settle",
    "superposition",
    "system",
    "tegum_product",
    "theoretical_phase",
    "vulnerability",
    "without_superposition",
]
