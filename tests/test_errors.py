"""An error is one line that says where, what and what next, also when it comes from another process."""

from __future__ import annotations

import pickle

import pytest

from mosmed_edu import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_one_line_with_place_fault_and_next_step(kind):
    text = str(kind("a/b.nii.gz", "is\n  damaged", "download it again"))
    assert text == "a/b.nii.gz: is damaged. Next: download it again."


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_back_from_a_worker(kind):
    error = pickle.loads(pickle.dumps(kind("a", "b", "c")))
    assert type(error) is kind
    assert (error.where, error.fault, error.todo) == ("a", "b", "c")
    assert str(error) == "a: b. Next: c."


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.StudyNotFound, KeyError),
        (errors.FileMissing, FileNotFoundError),
        (errors.NiftiError, ValueError),
        (errors.PlaneError, IndexError),
        (errors.CacheError, OSError),
    ],
)
def test_an_error_is_caught_by_those_who_do_not_know_us(kind, base):
    with pytest.raises(base):
        raise kind("a", "b", "c")
    assert issubclass(kind, errors.MosMedError)


@pytest.mark.parametrize("value", ["x" * 5000, 10**5000, list(range(5000))], ids=["text", "digits", "list"])
def test_whatever_a_user_gives_an_error_stays_short(value):
    assert len(errors.shown(value)) < 70
