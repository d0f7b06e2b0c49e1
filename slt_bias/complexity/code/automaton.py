"""An elementary cellular automaton on a ring of as many cells as there are points (Wolfram 1983)."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from slt_bias.complexity.code.family import Family, single
from slt_bias.complexity.code.programs import Programs, collect
from slt_bias.complexity.code.reader import Reader, fixed, gamma, gamma_length
from slt_bias.functions import Functions

STARTS = 4
MOST_STEPS = 32  # in the table of programs
ROW_WORK, COLUMN_WORK = 2**22, 2**14  # cells computed for a rule and start; squared points, for histories
LONGEST_RUN = 2**16  # steps that the decoder agrees to do


def _lengths(functions: Functions) -> np.ndarray:
    return known_programs(functions.points).find(functions)


def _encode(table: np.ndarray) -> str:
    programs = known_programs(len(table))
    rule, start, column, steps = programs.parameters[programs.shortest[single(table).packed.tobytes()]].tolist()
    return fixed(rule, 8) + fixed(start, 2) + fixed(column, 1) + gamma(steps + 1)


def _decode(reader: Reader, points: int) -> np.ndarray:
    rule, start, column = reader.fixed(8), reader.fixed(2), reader.fixed(1)
    steps = reader.gamma(LONGEST_RUN + 1, "the number of steps plus 1") - 1
    cells, rules = starting(points)[start][None], _outputs(np.array([rule]))
    for _ in range(steps):
        cells = step(cells, rules)
    if not column:
        return cells[0]
    history = np.empty(points, bool)
    for place in range(points):
        history[place] = cells[0, points // 2]
        cells = step(cells, rules)
    return history


def starting(points: int) -> np.ndarray:
    """bool (4, points): a single 1 in the middle; in the last cell; 0101…; zeros, then from the middle on ones."""
    places = np.arange(points)
    return np.stack([places == points // 2, places == points - 1, places % 2 == 1, places >= points // 2])


def step(cells: np.ndarray, rules: np.ndarray) -> np.ndarray:
    """All cells one step on; cells : bool (rings, points), rules : uint8 (rings, 8), output by 4·left + 2·own + right."""
    left, right = np.roll(cells, 1, axis=1), np.roll(cells, -1, axis=1)
    neighbourhood = 4 * left.astype(np.uint8) + 2 * cells.astype(np.uint8) + right
    return np.take_along_axis(rules, neighbourhood, axis=1) == 1


def _outputs(rules: np.ndarray) -> np.ndarray:
    return (rules[:, None] >> np.arange(8) & 1).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def known_programs(points: int) -> Programs:
    """All rules and starts, up to 32 steps (fewer on many points), and the middle cell's history up to 128 points."""
    return collect(_all(points), points)


def _all(points: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    most = min(MOST_STEPS, ROW_WORK // (1024 * points) if points else 0)
    if 11 + gamma_length(1) >= points or not most:
        return
    rule = np.repeat(np.arange(256), STARTS)
    start = np.tile(np.arange(STARTS), 256)
    cells, rules = starting(points)[start], _outputs(rule)
    histories = np.empty((len(rule), points), bool)
    for steps in range(points if points**2 <= COLUMN_WORK else most + 1):
        if steps <= most:
            parameters = np.stack([rule, start, np.zeros_like(rule), np.full_like(rule, steps)], axis=1)
            yield cells, parameters, np.full(len(rule), 11 + gamma_length(steps + 1))
        histories[:, steps % points] = cells[:, points // 2]
        cells = step(cells, rules)
    if points**2 <= COLUMN_WORK:
        parameters = np.stack([rule, start, np.ones_like(rule), np.zeros_like(rule)], axis=1)
        yield histories, parameters, np.full(len(rule), 11 + gamma_length(1))


AUTOMATON = Family("automaton", "rule, start and steps of an elementary cellular automaton", _lengths, _encode, _decode)
