"""Live widgets: NiiVue where ipyniivue is installed, sliders and pictures where it is not."""

from __future__ import annotations

from importlib.util import find_spec

from mosmed_edu.plotting import show_slices
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.windowing import WINDOWS, Window

_HEIGHT = 480  # px
_WIDTH = "40rem"  # about as wide as the slices need
_OPACITY = 0.4

#: NiiVue's number of each plane.
_PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}

#: Okabe and Ito's orange, as in every figure of the course.
_COLOURS = "mosmed"
_ORANGE = {"R": [0, 230, 230], "G": [0, 159, 159], "B": [0, 0, 0], "A": [0, 255, 255], "I": [0, 1, 255]}


def live_view(shown):
    """Make the widget for a `ScanView`.

    Parameters
    ----------
    shown : ScanView

    Returns
    -------
    widget : ipywidgets widget
    """
    return _niivue(shown) if find_spec("ipyniivue") else _sliders(shown)


def _niivue(shown):
    """NiiVue in the notebook, with the course's windows and a slider for the mask."""
    import ipywidgets as widgets
    from ipyniivue import NiiVue

    study = shown.study
    screen = NiiVue(
        height=_HEIGHT,
        is_radiological_convention=True,
        sagittal_nose_left=True,
        crosshair_width=0,
        slice_type=_PLANES["axial"],
        is_orientation_text_visible=False,  # its letters lie on the body; ours are above
    )
    screen.layout.max_width = _WIDTH
    screen.add_colormap(_COLOURS, _ORANGE)
    screen.load_volumes(_volumes(shown))
    screen.scene.crosshair_pos = [0.5, 0.5, _height(shown)]
    scan = screen.volumes[0]
    plane = widgets.ToggleButtons(options=[(WORDS[name], number) for name, number in _PLANES.items()])
    presets = widgets.ToggleButtons(options=[(WORDS[f"viewer_{name}"], name) for name in WINDOWS], value=None)
    level, width = _window_sliders(shown.window)

    sides, reading = widgets.HTML(_sides_html(_PLANES["axial"])), widgets.HTML(WORDS["viewer_live_read"])

    def set_plane(change):
        screen.set_slice_type(change["new"])
        sides.value = _sides_html(change["new"])

    def read(location):
        reading.value = say("viewer_live_hu", hu=round(location["values"][0]["value"]))

    def set_window(_):
        scan.cal_min, scan.cal_max = level.value - width.value / 2, level.value + width.value / 2

    def set_preset(change):
        if change["new"]:
            level.value, width.value = WINDOWS[change["new"]].level, WINDOWS[change["new"]].width

    screen.on_location_change(read)
    plane.observe(set_plane, "value")
    presets.observe(set_preset, "value")
    level.observe(set_window, "value")
    width.observe(set_window, "value")
    controls = [plane, presets, level, width]
    if shown.mask:
        controls.append(_opacity_slider(screen))
    about = widgets.HTML(sentence(study_words(study) + ".", origin_words(study), WORDS["viewer_live_help"]))
    return widgets.VBox([sides, screen, reading, *controls, about])


def _sides_html(plane: int) -> str:
    """What lies at the left and at the right edge of the picture."""
    left, right = (WORDS[side] for side in ("AP" if plane == _PLANES["sagittal"] else "RL"))
    style = f"display:flex;justify-content:space-between;max-width:{_WIDTH};font-weight:bold"
    return f'<div style="{style}"><span>{left}</span><span>{right}</span></div>'


def _volumes(shown) -> list[dict]:
    """What NiiVue is to load."""
    window, study = shown.window, shown.study
    found = [{"path": str(study.study_path), "cal_min": window.low, "cal_max": window.high, "colormap": "gray"}]
    if shown.mask:
        found.append(
            {"path": str(study.mask_path), "colormap": _COLOURS, "opacity": _OPACITY, "cal_min": 0, "cal_max": 1}
        )
    return found


def _height(shown) -> float:
    """Where the slice to begin with lies, from 0 at the feet to 1 at the head."""
    ct = shown.study.ct()
    count = ct.slice_count("axial")
    number = shown.index if "S" in ct.orientation else count - 1 - shown.index
    return (number + 0.5) / count


def _opacity_slider(screen):
    import ipywidgets as widgets

    slider = widgets.FloatSlider(_OPACITY, min=0, max=1, step=0.05, description=WORDS["viewer_mask"])

    def set_opacity(change):
        screen.volumes[1].opacity = change["new"]

    slider.observe(set_opacity, "value")
    return slider


def _window_sliders(window: Window):
    import ipywidgets as widgets

    def slider(key, value, low, high):
        return widgets.IntSlider(round(value), low, high, 10, description=WORDS[key], continuous_update=False)

    return slider("level", window.level, -1000, 1000), slider("width", window.width, 10, 3000)


def _sliders(shown):
    """Sliders for level, width and slice, and the picture that follows them."""
    import ipywidgets as widgets

    last = shown.study.ct().slice_count("axial") - 1
    level, width = _window_sliders(shown.window)
    index = widgets.IntSlider(shown.index, 0, last, 1, description=WORDS["slice_number"], continuous_update=False)
    outline = widgets.Checkbox(shown.mask, description=WORDS["viewer_mask"], disabled=not shown.mask)
    picture = widgets.HTML(layout=widgets.Layout(max_width="34rem"))

    def draw(_=None):
        window = Window(level.value, width.value)
        picture.value = show_slices(shown.study, [index.value], window=window, mask=outline.value)._repr_html_()

    controls = [level, width, index, *([outline] if shown.mask else [])]
    for control in controls:
        control.observe(draw, "value")
    draw()
    return widgets.VBox([*controls, picture])
