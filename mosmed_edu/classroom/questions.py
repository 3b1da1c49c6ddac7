"""What a question is, and the kinds of answers: a number, a choice, several numbers, a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

#: What a judge returns for an answer that is right.
RIGHT = ""


class NotAnswered(Exception):
    """A function that is asked for returns nothing yet."""


@dataclass(frozen=True)
class Question:
    """One question of an assignment.

    A judge takes the answer, the cases and the key, and returns `RIGHT` or a hint: one line that says where to look,
    and never the answer.

    Attributes
    ----------
    form : function of the answer to str
        Whether it is an answer at all: a number, a function ...
    judge : function of the answer, `Cases` and the key to str
        What a student may see judged.
    hidden : as `judge`, optional
        Judged besides while a class is graded: other examples, the class's own scan.
    needs_key : bool
        Whether the judge needs what only the grader has.
    """

    form: Callable[[Any], str]
    judge: Callable[[Any, Any, dict], str]
    hidden: Callable[[Any, Any, dict], str] | None = None
    needs_key: bool = False


def is_number(low: float, high: float, unit: str = "") -> Callable[[Any], str]:
    """A form: a finite number in a range, of a unit or of none."""
    wanted = f", in {unit}" if unit else f" from {low:g} to {high:g}"

    def form(answer) -> str:
        if not _real(answer):
            return f"give a number{wanted}; yours is a {type(answer).__name__}"
        if not low <= float(answer) <= high:
            return f"a number between {low:g} and {high:g} {unit}".rstrip() + " is expected"
        return RIGHT

    return form


def is_one_of(options: Sequence[str]) -> Callable[[Any], str]:
    """A form: one of several words."""

    def form(answer) -> str:
        if isinstance(answer, str) and answer.strip().lower() in {option.lower() for option in options}:
            return RIGHT
        return f"give one of these words: {', '.join(options)}"

    return form


def is_mapping(keys: Sequence[str]) -> Callable[[Any], str]:
    """A form: a number under each of these keys."""

    def form(answer) -> str:
        if not isinstance(answer, Mapping):
            return f"give a dict with the keys {', '.join(keys)}; yours is a {type(answer).__name__}"
        if set(map(str, answer)) != set(keys):
            return f"give a dict with just the keys {', '.join(keys)}"
        if not all(_real(value) for value in answer.values()):
            return "every value of the dict must be a number"
        return RIGHT

    return form


def is_vector(length: int, unit: str) -> Callable[[Any], str]:
    """A form: several numbers."""

    def form(answer) -> str:
        try:
            numbers = np.asarray(answer, float)
        except (TypeError, ValueError):
            return f"give {length} numbers, in {unit}"
        if numbers.shape != (length,) or not np.isfinite(numbers).all():
            return f"give {length} numbers, in {unit}"
        return RIGHT

    return form


def is_function(answer) -> str:
    """A form: something that can be called."""
    return RIGHT if callable(answer) else "give the function itself, without calling it"


def read_word(name: str, options: Sequence[str], hint: str) -> Question:
    """A question on a picture: one word of several. The key has the answer under the question's short name."""
    return Question(is_one_of(options), lambda answer, _, key: same_word(answer, key[name], hint), needs_key=True)


def read_number(name: str, limits: tuple[float, float], unit: str, tolerance: float, hint: str) -> Question:
    """A question on a picture: a number, which may be off by the tolerance."""
    return Question(
        is_number(*limits, unit), lambda answer, _, key: near(answer, key[name], tolerance, hint), needs_key=True
    )


def same_word(answer: str, truth: str, hint: str) -> str:
    """A judge of words: capitals do not matter."""
    return RIGHT if answer.strip().lower() == truth.lower() else hint


def near(answer: float, truth: float, tolerance: float, hint: str) -> str:
    """A judge of numbers."""
    return RIGHT if abs(float(answer) - truth) <= tolerance else hint


def examples(function: Callable, cases: Sequence[tuple[tuple, Any]], hint: str) -> str:
    """A judge of functions: what it returns on some arguments.

    Parameters
    ----------
    function : callable
        The answer.
    cases : sequence of (arguments, expected)
        Arrays among the arguments are copied, so that a function that spoils them does not spoil the next call.
    hint : str
        For a result that is not the expected one.
    """
    for arguments, expected in cases:
        given = [np.array(value) if isinstance(value, np.ndarray) else value for value in arguments]
        result = function(*given)
        if result is None:
            raise NotAnswered
        if any(
            isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
            for before, after in zip(arguments, given, strict=True)
        ):
            return "your function changes the array that it is given: work on a copy"
        if not same(result, expected):
            return hint
    return RIGHT


def same(result, expected, tolerance: float = 1e-6) -> bool:
    """Whether a result is the expected one: type of array, shape and values; NaN equals NaN."""
    if isinstance(expected, np.ndarray) and (not isinstance(result, np.ndarray) or result.dtype != expected.dtype):
        return False
    try:
        numbers = np.asarray(result, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return False
    return numbers[0].shape == numbers[1].shape and np.allclose(*numbers, rtol=0, atol=tolerance, equal_nan=True)


def _real(value) -> bool:
    return isinstance(value, (Real, np.number)) and not isinstance(value, (bool, np.bool_)) and np.isfinite(value)
