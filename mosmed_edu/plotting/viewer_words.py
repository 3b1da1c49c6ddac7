"""What the viewer says: in a notebook, and (the part for the page) in the script that the build bundles."""

from __future__ import annotations

from types import MappingProxyType

#: In `mosmed_edu.viewer`.
VIEWER_WORDS = MappingProxyType(
    {
        "viewer_lung": "Lung",
        "viewer_mediastinum": "Mediastinum",
        "viewer_bone": "Bone",
        "viewer_mask": "Mask",
        "viewer_strip": "The same scan as still pictures, from head to foot",
        "viewer_own_eyes": "These are pictures of a scan that is for its owner's own eyes: do not publish them. "
        "The scan itself is not on this page; in a running notebook you can scroll through it.",
        "viewer_grid": "In this viewer grey values are rounded to {hu} HU, {pixel} is kept, and the air round the "
        "body is cut off; all slices are here.",
        "viewer_every_1": "every pixel",
        "viewer_every_2": "every second pixel",
        "viewer_every_3": "every third pixel",
        "viewer_every": "every {n}th pixel",
        "viewer_live_read": "Click the picture to read Hounsfield units.",
        "viewer_live_hu": "{hu} HU",
        "viewer_live_help": "Scroll with the mouse wheel; drag with the right button to choose a window.",
    }
)

#: In the script of the page, which fills in what is in braces.
PAGE_WORDS = MappingProxyType(
    {
        "title": "Scan viewer: {label}",
        "stage": "CT scan, {label}. Arrow up and down change the slice.",
        "open": "Open the viewer ({mb} MB)",
        "retry": "Try again",
        "waiting": "Loading the viewer …",
        "loading": "Loading the scan: {percent} %",
        "drawing": "Preparing the picture …",
        "no_webgl": "This browser cannot show the scan (WebGL2 is missing or switched off). "
        "Still pictures of it are below.",
        "missing": "The scan is missing on this server ({status}). Still pictures of it are below.",
        "unreachable": "The scan could not be fetched: the connection failed. Still pictures of it are below.",
        "broken": "The scan's file is damaged and is not shown. Still pictures of it are below.",
        "failed": "The viewer could not start ({reason}). Still pictures of the scan are below.",
        "lost": "the browser has taken the graphics memory back",
        "plane": "Plane",
        "axial": "Axial",
        "coronal": "Coronal",
        "sagittal": "Sagittal",
        "slice": "Slice",
        "slice_of": "{plane} slice {k} ({first} to {last})",
        "window": "Window",
        "lung": "Lung",
        "mediastinum": "Mediastinum",
        "bone": "Bone",
        "level": "Level, HU",
        "width": "Width, HU",
        "shown": "L {level} / W {width}",
        "mask": "Mask",
        "hu": "{hu} HU",
        "at": "at voxel ({i}, {j}, {k})",
        "hu_empty": "Point at the picture to read HU.",
        "outside": "outside the scan",
        "scale": "{mm} mm",
        "synthetic": "synthetic, not a patient",
        "reset": "Reset",
        "full": "Full screen",
        "leave": "Leave full screen",
        "click": "Click the picture, then turn the wheel",
        "R": "R",
        "L": "L",
        "A": "A",
        "P": "P",
        "keys": "Keys",
        "key_slice": "slice",
        "key_level": "level",
        "key_width": "width",
        "key_window": "window",
        "key_mask": "mask on or off",
        "key_full": "full screen",
        "key_more": "More keys",
        "more_slices": "five slices; first, last",
        "more_opacity": "mask fainter, stronger",
        "more_plane": "axial, coronal, sagittal",
        "more_probe": "move the point whose HU is read",
        "more_reset": "all as at the start",
        "more_mouse": "Mouse: click the picture, then turn the wheel for slices; drag up and down for the level, "
        "left and right for the width. Tab leads out of the viewer at any time.",
    }
)
