"""`check` an answer of an assignment: right, not answered yet, or a hint. Never a traceback, never the answer."""

from __future__ import annotations

from typing import Any

from mosmed_edu.classroom.assignment import find_question
from mosmed_edu.classroom.cases import Cases, open_cases, read_key
from mosmed_edu.classroom.questions import RIGHT, NotAnswered, Question
from mosmed_edu.errors import ClassroomError, MosMedError

_UNANSWERED, _TAKEN = "not answered yet.", "taken. Whether it is right is told when the assignment is graded."


class NotRight(AssertionError):
    """An answer that `grade` does not accept."""


def check(name: str, answer: Any) -> None:
    """Print one line about an answer: right, not answered yet, or a hint.

    Parameters
    ----------
    name : str
        The question, for example ``"a1.q1"``.
    answer : object
        What the question asks for; None while it is not answered. Of a function that is asked for, the function.

    Notes
    -----
    Returns nothing: nbgrader takes a number on the last line of a test for the score. Where the answer was drawn and
    only the grader knows it, the line says that the answer has been taken.

    Examples
    --------
    >>> from mosmed_edu.selfcheck import check
    >>> check("a1.q1", None)
    a1.q1: not answered yet.
    >>> check("a9.q1", 3)
    a9.q1: is no question of this course. Next: take a1.q1 to a4.q7.
    """
    try:
        print(f"{name}: {_verdict(name, answer, hidden=False) or 'right.'}")
    except MosMedError as error:
        where = "" if error.where == name else f"{error.where}: "
        print(f"{name}: {where}{error.fault}. Next: {error.todo}.")


def grade(name: str, answer: Any) -> None:
    """Judge an answer as the grader does: on hidden examples too, and with the key.

    Parameters
    ----------
    name, answer
        As for `check`.

    Raises
    ------
    NotRight
        If the answer is not right. The message is the hint.
    ClassroomError
        If there is no such question, or the key is not there.

    Examples
    --------
    >>> from mosmed_edu.selfcheck import grade
    >>> grade("a1.q1", None)
    Traceback (most recent call last):
    mosmed_edu.selfcheck.NotRight: a1.q1: not answered yet.
    """
    words = _verdict(name, answer, hidden=True)
    if words == _TAKEN:
        raise ClassroomError(name, "cannot be graded without its key", "set MOSMED_CLASS to the class's folder")
    if words != RIGHT:
        raise NotRight(f"{name}: {words}")


def _verdict(name: str, answer: Any, hidden: bool) -> str:
    """What to say of an answer; nothing if it is right."""
    question = find_question(name)
    if answer is None or answer is ...:
        return _UNANSWERED
    try:
        words = question.form(answer)
        return _sentence(words) if words else _judged(question, answer, open_cases(name.split(".")[0]), hidden)
    except NotAnswered:
        return _UNANSWERED
    except ClassroomError:
        raise
    except Exception as error:  # whatever a student's function does, or an object that is no answer at all
        return _sentence(f"your answer stops with {type(error).__name__}: {_first_line(error)}")


def _judged(question: Question, answer: Any, cases: Cases, hidden: bool) -> str:
    key = read_key(cases)
    if question.needs_key and key is None:
        return _TAKEN
    words = question.judge(answer, cases, key or {})
    if not words and hidden and question.hidden:
        words = question.hidden(answer, cases, key or {})
    return _sentence(words) if words else RIGHT


def _sentence(words: str) -> str:
    """A hint as the line shows it."""
    return f"not yet. Hint: {' '.join(words.split()).rstrip('.')}."


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else "no message"
