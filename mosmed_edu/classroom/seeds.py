"""From a class's secret to the seeds of its cases."""

from __future__ import annotations

import secrets
from hashlib import sha256

#: What stands in a folder's name for cases that everyone in the class gets.
EVERYONE = "class"

#: The seed of the cases that a lone reader practises on. It is public, and so are its answers.
PRACTICE = "practice"


def case_seed(class_seed: str, assignment: str, student: str = EVERYONE) -> int:
    """The seed from which one set of cases is drawn.

    The drawing program is public, so whoever knows the seed knows the answers. A hash keeps classes, assignments and
    students apart, and nobody gets from the one to the other.

    Parameters
    ----------
    class_seed : str
        The class's secret.
    assignment : str
        Such as ``"a1"``.
    student : str
        A pseudonym, or `EVERYONE`.

    Returns
    -------
    seed : int
        Of 128 bits.

    Examples
    --------
    >>> from mosmed_edu.classroom.seeds import case_seed
    >>> case_seed("spring", "a1") == case_seed("spring", "a1"), case_seed("spring", "a1") == case_seed("autumn", "a1")
    (True, False)
    """
    words = "\0".join(("mosmed-edu cases", class_seed, assignment, student))
    return int.from_bytes(sha256(words.encode()).digest()[:16])


def new_class_seed() -> str:
    """A secret that nobody guesses.

    Examples
    --------
    >>> from mosmed_edu.classroom.seeds import new_class_seed
    >>> new_class_seed() == new_class_seed()
    False
    """
    return secrets.token_hex(12)
