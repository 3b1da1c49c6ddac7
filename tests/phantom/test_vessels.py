"""Vessels and airways: their drawing against geometry, their growth against anatomy."""

import numpy as np
import pytest

from mosmed_edu.phantom.anatomy import build_anatomy
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.people import Patient
from mosmed_edu.phantom.tubes import Tubes, render_tubes
from mosmed_edu.phantom.vessels import grow_trees

PATIENT = Patient(seed=4)


def rod(start, end, radius):
    """One straight tube."""
    one = np.ones(1, np.float32)
    ends = (np.array([point], np.float32) for point in (start, end))
    return Tubes(*ends, radius * one, radius * one, np.zeros(1, np.int16), np.ones(1, np.int32))


@pytest.fixture(scope="module")
def anatomy():
    return build_anatomy(PATIENT, Frame(128, 2.8, 34, bottom_mm=-178.0))


@pytest.fixture(scope="module")
def trees(anatomy):
    return grow_trees(PATIENT, anatomy)


@pytest.mark.parametrize("radius", [0.4, 1.5, 3.5, 9.0])
@pytest.mark.parametrize("tilt", [0.0, 40.0])
def test_a_tube_through_a_slice_covers_its_ellipse(radius, tilt):
    slope = np.tan(np.radians(tilt))
    frame = Frame(128, 0.7, 1, bottom_mm=0.0)
    drawn = render_tubes(rod((-60 * slope, 0.3, -60), (60 * slope, 0.3, 60), radius), frame)
    area = drawn.sum() / 255 * frame.pixel_mm**2
    assert area == pytest.approx(np.pi * radius**2 / np.cos(np.radians(tilt)), rel=0.12, abs=0.1)


def test_a_thin_tube_within_the_slice_is_greyer_than_one_that_pierces_it():
    frame = Frame(128, 0.7, 1, bottom_mm=0.0)
    along = render_tubes(rod((-30, 0, 0), (30, 0, 0), 0.6), frame)
    across = render_tubes(rod((0, 0, -30), (0, 0, 30), 0.6), frame)
    assert 0 < along.max() < across.max()


def test_a_tube_is_drawn_where_it_lies():
    frame = Frame(128, 1.0, 5, bottom_mm=-16.0)
    drawn = render_tubes(rod((20, -30, -40), (20, -30, 1), 4), frame).astype(float)
    i, j, k = (
        np.average(axis, weights=drawn.sum(axis=others))
        for axis, others in ((frame.x_mm, (1, 2)), (frame.y_mm, (0, 2)), (frame.z_mm, (0, 1)))
    )
    assert (i, j) == (pytest.approx(20, abs=0.2), pytest.approx(-30, abs=0.2))
    assert drawn[..., 3:].sum() < 0.2 * drawn[..., 1].sum()  # it ends at z = 1
    assert k < 0


def test_tubes_beyond_the_frame_are_cut_off_not_wrapped_round():
    frame = Frame(64, 1.0, 2, bottom_mm=0.0)
    drawn = render_tubes(rod((31, 0, -9), (31, 0, 20), 5), frame)
    assert drawn[:16].sum() == 0
    assert drawn[-1].sum() > 0
    assert render_tubes(rod((200, 0, -9), (200, 0, 20), 5), frame).sum() == 0


def test_drawing_into_a_coverage_keeps_the_larger_value():
    frame = Frame(64, 1.0, 1, bottom_mm=0.0)
    first = render_tubes(rod((0, 0, -9), (0, 0, 9), 5), frame)
    both = render_tubes(rod((3, 0, -9), (3, 0, 9), 5), frame, first.copy(order="F"))
    assert (both >= first).all() and both.sum() > first.sum()


def test_vessels_taper_from_the_hilum(trees):
    for system in (trees.arteries, trees.veins):
        assert (system.r_start >= 0.99 * system.r_end).mean() > 0.98
        assert 4 < system.r_start.max() < 14
        assert np.median(system.r_end) < 1


def test_radius_follows_murray(trees):
    leaves, radius = trees.arteries.leaves, trees.arteries.r_end
    many = leaves >= 4
    slope = np.polyfit(np.log(leaves[many]), np.log(radius[many]), 1)[0]
    assert 1 / 3.2 < slope < 1 / 2.3  # published exponents lie between 2.3 and 3.2


@pytest.mark.parametrize("name", ["arteries", "veins"])
def test_every_vessel_hangs_together_with_the_hilum(trees, anatomy, name):
    tubes = getattr(trees, name)
    ends = {tuple(point) for point in np.round(tubes.end, 3).tolist()}
    roots = [start for start in np.round(tubes.start, 3).tolist() if tuple(start) not in ends]
    inlets = [getattr(hilum, key).point for hilum in anatomy.hila.values() for key in ("artery", "vein", "upper_vein")]
    far = [np.linalg.norm(np.array(inlets) - root, axis=1).min() > 25 for root in roots]
    # a branch may be cut where it would cross the heart; all else starts at a hilum
    assert np.mean([tuple(s) in ends for s in np.round(tubes.start, 3).tolist()]) > 0.97
    assert sum(far) < 0.01 * len(tubes)


def test_twigs_reach_every_part_of_the_lungs(trees, anatomy):
    index = np.argwhere(anatomy.lungs & (anatomy.pleura_mm > 8))
    some = index[np.random.default_rng(0).integers(len(index), size=800)]
    frame = anatomy.frame
    points = np.stack([frame.x_mm[some[:, 0]], frame.y_mm[some[:, 1]], frame.z_mm[some[:, 2]]], axis=1)
    for system in (trees.arteries, trees.veins):
        gap = np.linalg.norm(points[:, None] - system.end[None], axis=2).min(axis=1)
        assert np.percentile(gap, 95) < 12


def test_bronchi_run_beside_their_arteries(trees):
    some = np.random.default_rng(1).integers(len(trees.bronchi), size=400)
    bronchi = trees.bronchi.pick(some)
    gap = np.linalg.norm(bronchi.middle[:, None] - trees.arteries.middle[None], axis=2)
    nearest = gap.argmin(axis=1)
    clear = gap.min(axis=1) - trees.arteries.r_end[nearest] - bronchi.r_end
    assert np.median(np.abs(clear)) < 3
    assert (bronchi.r_end < 1.05 * trees.arteries.r_end[nearest]).mean() > 0.8


def test_same_patient_same_trees(trees, anatomy):
    again = grow_trees(PATIENT, anatomy)
    for name in ("arteries", "veins", "bronchi"):
        assert np.array_equal(getattr(trees, name).end, getattr(again, name).end)
    other = grow_trees(Patient(seed=5), anatomy)
    assert not np.array_equal(trees.arteries.end[:50], other.arteries.end[:50])
