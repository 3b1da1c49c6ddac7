"""Assignments whose cases are drawn anew for every class: no answer can be copied from a book or a neighbour."""

from mosmed_edu.classroom.cases import ASSIGNMENTS, Case, Cases, open_cases

__all__ = ["ASSIGNMENTS", "Case", "Cases", "open_cases"]
