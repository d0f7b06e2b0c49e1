"""What a parameter-function map is.

Splitting, the Gaussian-process limit, training and learning coefficients stand on `Map`, `LatentMap` and `DiscreteMap`;
counting needs `Map` alone. Parameters of a batch come first-axis first: a torch tensor of shape (batch, …).

A map is one of
- latent (`LatentMap`): `latents` standard normals make one parameter draw (`parameters`), `outputs` is differentiable;
- discrete (`DiscreteMap`): genotypes of whole numbers; `draw` and `propose` instead of latents;
- a module built by its own code: `draw` alone, so it can be counted and nothing else;
- `scrambled`, which hands on what another map draws.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.functions.inputs import InputSet
from slt_bias.functions.tables import Functions
from slt_bias.maps.halving import Halving
from slt_bias.maps.law import Law

if TYPE_CHECKING:
    import torch

    from slt_bias.maps.options import Option

PRIOR = "prior"  # the purpose of draws for counting


@runtime_checkable
class Map(Protocol):
    """A parameter-function map; `parse(map.spec) == map` for every map that text can name."""

    @property
    def inputs(self) -> InputSet:
        """The points on which a function is its row of outputs."""

    @property
    def law(self) -> Law | None:
        """How parameters are drawn; None where code of the map's own draws them."""

    @property
    def spec(self) -> str:
        """Canonical text."""

    @property
    def block(self) -> int:
        """How many parameter draws make a block of the random stream: fixed for each map, no user's option."""

    @property
    def symmetries(self) -> frozenset[str]:
        """The names of `slt_bias.functions.symmetry.NAMES` under which P is invariant.

        "permute-inputs" is any permutation of the inputs, "negate-inputs" the negation of any of them by itself;
        "negate-all-inputs", the negation of all of them at once, stands where a single one changes P;
        "negate-output" is the negation of the output.
        """

    @property
    def compiled(self) -> bool:
        """True where `draw_functions` runs without the GIL, so that threads scale; False for torch maps."""

    def draw_functions(self, seed: int, block: int, count: int) -> np.ndarray:
        """The functions of the first `count` draws of a block, packed: uint8 (count, ⌈points/8⌉)."""


@runtime_checkable
class LatentMap(Map, Protocol):
    """A map whose parameters are made of standard normals."""

    @property
    def latents(self) -> int:
        """How many standard normals make one parameter draw."""

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters)."""

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points) real outputs, differentiable; a function is 1 where the output is > 0."""


def refuse_undefined(undefined: int, draws: int) -> None:
    """Raises InputError where outputs are not finite: a network has no function then, and to leave it out changes the law."""
    if undefined:
        raise InputError(
            f"{undefined} of {draws} draws gave an output that is not finite: activations overflow single precision, or a "
            "module divides by 0; give smaller standard deviations or mend the module."
        )


@runtime_checkable
class DiscreteMap(Map, Protocol):
    """A map whose parameters are whole numbers: a genotype is a row of `components`, shape (components,).

    A Markov chain on genotypes whose steps come from `propose`, each accepted where the new genotype lies in some set
    and refused otherwise, has the map's law restricted to that set as its invariant law.
    """

    @property
    def components(self) -> int:
        """How many whole numbers make one parameter draw."""

    def draw(self, seed: int, block: int, count: int, purpose: streams.Purpose = PRIOR) -> np.ndarray:
        """The genotypes of the first `count` draws of a block, uint16 (count, components)."""

    def propose(self, genotypes: np.ndarray, seed: int, purpose: streams.Purpose, block: int) -> np.ndarray:
        """New genotypes of the same shape: one step of a Markov chain each, reversible with respect to the map's law."""

    def functions(self, genotypes: np.ndarray) -> Functions:
        """The functions of given genotypes, (count, components)."""


class FamilyMember(ABC):
    """Identity by spec, and the size of a block: shared by all families.

    Subclasses set `inputs`, `law`, `spec`, `symmetries`; `law_text` says in words what `law` leaves open.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]
    wraps: ClassVar[bool] = False  # True where the inputs are those of another map, named in the spec
    compiled: bool = False

    inputs: InputSet
    law: Law | None
    law_text: str | None = None
    spec: str
    symmetries: frozenset[str] = frozenset()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FamilyMember) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return f"<map {self.spec}>"

    @property
    def block(self) -> int:
        """Draws a block: a power of two, so few that a block's functions take at most 8 MB.

        Where torch draws, its normals take at most 16 MB too (or it is 16 draws).
        """
        most = 2 ** max(4, 26 - (self.inputs.count - 1).bit_length())
        if self.compiled:
            return min(16384, most)
        return min(4096, most, 2 ** max(4, 22 - (getattr(self, "latents", 1) - 1).bit_length()))

    @property
    def minimal_program(self) -> str:
        """The source of the shortest program we know that draws and evaluates this family: see `slt_bias.maps.programs`."""
        from slt_bias.maps.programs import source

        return source(self.name)

    @abstractmethod
    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed: uint8 (count, ⌈points/8⌉)."""


class LatentMember(FamilyMember):
    """The block-wise drawing of a latent map by way of torch.

    Subclasses set `latents` and implement `parameters` and `outputs`; `chunk` (draws evaluated at once) keeps the
    activations in the cache and never changes a result's law.
    """

    latents: int
    chunk: int = 64

    @abstractmethod
    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters)."""

    @abstractmethod
    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points)."""

    def functions(self, parameters: torch.Tensor) -> Functions:
        """The functions of given parameters, (batch, parameters), evaluated `chunk` at a time without gradients."""
        import torch

        with torch.no_grad():
            outputs = [self.outputs(part) for part in parameters.split(self.chunk)]
        refuse_undefined(sum(int((~part.isfinite()).any(dim=1).sum()) for part in outputs), len(parameters))
        signs = np.concatenate([(part > 0).cpu().numpy() for part in outputs])
        return Functions(np.packbits(signs, axis=1), self.inputs.count)

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed: uint8 (count, ⌈points/8⌉)."""
        import torch

        normals = torch.from_numpy(streams.normals(seed, [PRIOR, self.spec], block, (count, self.latents)))
        if device != "cpu":
            return self._on_device(normals, device)
        with torch.no_grad():  # chunk by chunk, so that parameters are still in the cache when they are used
            return np.concatenate([self.functions(self.parameters(part)).packed for part in normals.split(self.chunk)])

    def _on_device(self, normals: torch.Tensor, device: str) -> np.ndarray:
        """The functions of normals (count, latents), all at once on a GPU, or as many as fit."""
        import torch

        def signs(start: int, stop: int) -> np.ndarray:
            with torch.no_grad():
                outputs = self.outputs(self.parameters(normals[start:stop].to(device)))
                refuse_undefined(int((~outputs.isfinite()).any(dim=1).sum()), stop - start)
                return (outputs > 0).cpu().numpy()

        return np.packbits(np.concatenate(list(Halving(len(normals)).pieces(signs, len(normals)))), axis=1)
