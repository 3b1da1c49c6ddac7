"""The same synthetic scan several ways: stacked right and wrong, with all slices and with few."""

from __future__ import annotations

from collections.abc import Mapping

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import SIDES, draw_picture
from mosmed_edu.plotting.spoken import window_words
from mosmed_edu.plotting.words import WORDS, say, sentence
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import Window, apply_window


def show_volumes(
    volumes: Mapping[str, Volume], plane: str = "coronal", window: Window | str = "lung", place: float = 0.5
) -> Figure:
    """Draw one slice of each of several synthetic scans, whole and every voxel at its true size.

    Parameters
    ----------
    volumes : mapping of str to Volume
        What each shows, and its Hounsfield units. A key of `WORDS` is looked up there.
    plane : {'axial', 'coronal', 'sagittal'}
    window : Window or str
    place : float
        Where each is cut: 0 for the first slice of this plane, 1 for the last.

    Returns
    -------
    figure : Figure
    """
    panels = [_panel(name, volume, plane, window, place) for name, volume in volumes.items()]
    return Figure(panels, WORDS["caption_synthetic_studies"], min(len(panels), 3))


def _panel(name: str, volume: Volume, plane: str, window, place: float) -> Panel:
    k = round(place * (volume.slice_count(plane) - 1))
    canvas = draw_picture(
        apply_window(volume.picture(plane, k), window),
        volume.pixel_mm(plane),
        window,
        synthetic=True,
        sides=("A", "P") if plane == "sagittal" else SIDES,
    )
    shown = WORDS.get(name, name)
    alt = say(
        "alt_volume",
        plane=WORDS[plane],
        count=volume.slice_count("axial"),
        mm=volume.spacing[volume.axis("S")],
        window=window_words(window),
        name=shown,
        looks=WORDS.get(f"looks_{name}", ""),
    )
    return picture_panel(canvas, alt.strip(), sentence(shown))
