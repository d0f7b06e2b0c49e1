"""Factories of torch modules: found by name or given as callables, and called with errors that say what failed."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any

from slt_bias.errors import SpecError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Factory:
    """A callable without arguments that builds a module.

    name : `package.module:factory`, or what to call it where no import finds it.
    importable : whether `name` finds it again, in this process or another.
    """

    call: Callable[[], Any]
    name: str
    importable: bool

    def build(self) -> torch.nn.Module:
        """A new module. Raises SpecError where the factory fails or returns something else."""
        import torch

        try:
            module = self.call()
        except Exception as error:  # the user's own code: any error becomes one line
            raise SpecError(f"factory `{self.name}` failed: {_line(error)}") from error
        if not isinstance(module, torch.nn.Module):
            raise SpecError(f"factory `{self.name}` returned {type(module).__name__}: it must return a torch.nn.Module.")
        return module


def find(factory: str | Callable[[], Any]) -> Factory:
    """A factory from `package.module:factory` or from a callable.

    The current folder is searched after the usual ones. Raises SpecError where nothing callable is found, and for a module.
    """
    if isinstance(factory, str):
        if "#" in factory:
            raise SpecError(f"`module:{factory}`: this factory cannot be imported by name; pass it to sb.maps.from_module.")
        return Factory(_resolve(factory), factory, True)
    _refuse_module(factory)
    if not callable(factory):
        raise SpecError(f"factory {factory!r} is not callable: give a function without arguments that returns a torch.nn.Module.")
    module, qualified = getattr(factory, "__module__", None), getattr(factory, "__qualname__", None)
    if module and qualified and module != "__main__" and "<" not in qualified:
        name = f"{module}:{qualified}"
        try:
            if _resolve(name) is factory:
                return Factory(factory, name, True)
        except SpecError:
            pass
    own = str(getattr(factory, "__name__", type(factory).__name__)).strip("<>")
    return Factory(factory, own, False)


def _resolve(name: str) -> Callable[[], Any]:
    package, colon, attribute = name.partition(":")
    if not colon or not package or not attribute:
        raise SpecError(f"`{name}`: name the factory as package.module:factory.")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())  # a console script, unlike `python -m`, does not search the current folder
    try:
        module = import_module(package)
    except Exception as error:  # the user's own code: any error becomes one line
        raise SpecError(f"factory `{name}`: module `{package}` cannot be imported ({_line(error)}).") from error
    try:
        found = reduce(getattr, attribute.split("."), module)
    except AttributeError:
        raise SpecError(f"factory `{name}`: module `{package}` has no `{attribute}`.") from None
    _refuse_module(found)
    if not callable(found):
        raise SpecError(f"factory `{name}` is not callable: need a function without arguments that returns a torch.nn.Module.")
    return found


def _refuse_module(found: object) -> None:
    """A module is callable too, but calling it runs it."""
    import torch

    if isinstance(found, torch.nn.Module):
        kind = type(found).__name__
        raise SpecError(f"{kind}(…): pass a factory (a function without arguments that returns a module), not a module.")


def fingerprint(module: torch.nn.Module, record: object) -> str:
    """Ten hexadecimal digits of a module's structure, shapes, initialisers and the code of its `forward` methods."""
    parts = [repr(module), repr([(name, tuple(value.shape)) for name, value in module.named_parameters()]), repr(record)]
    for part in module.modules():
        code = getattr(type(part).forward, "__code__", None)
        if code is not None and not type(part).__module__.startswith("torch."):
            simple = [value for value in code.co_consts if isinstance(value, (int, float, str, type(None)))]
            parts.append(repr((code.co_code, code.co_names, simple)))
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=5).hexdigest()


def built(factory: Factory, key: int) -> torch.Tensor:
    """The flat parameters of one new module, with the global generators started from `key`."""
    import torch

    from slt_bias.maps.initialisers import seeded

    with seeded(key):
        module = factory.build()
    return torch.cat([parameter.detach().reshape(-1) for parameter in module.parameters()])


def check_seeds(factory: Factory) -> None:
    """Raises SpecError where a seed does not decide the module, or decides nothing."""
    first, again, other = (built(factory, key) for key in (0, 0, 1))
    if len(first) != len(again) or not bool(((first == again) | (first != first)).all()):
        raise SpecError(
            f"factory `{factory.name}` builds other parameters each time under the same seed: draw them from torch's, numpy's "
            "or Python's global generator."
        )
    if len(first) == len(other) and bool((first == other).all()):
        raise SpecError(
            f"factory `{factory.name}` builds the same parameters whatever the seed: leave seeding (torch.manual_seed) out of it."
        )


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}" if str(error).strip() else type(error).__name__
