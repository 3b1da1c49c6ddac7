"""The words of figures on the way from DICOM to the dataset."""

from __future__ import annotations

from types import MappingProxyType

#: Part of `mosmed_edu.plotting.WORDS`.
STACK_WORDS = MappingProxyType(
    {
        "body_series": "BODY series",
        "looks_body_series": "Smooth grey lungs with soft edges of the vessels.",
        "lung_series": "LUNG series",
        "looks_lung_series": "The same chest with crisp, outlined vessels and coarser grain.",
        "all_slices": "all slices",
        "looks_all_slices": "The lungs' edges and the domes of the diaphragm run smoothly.",
        "every_tenth": "every tenth slice",
        "looks_every_tenth": "The same chest as a staircase: every slice is a thick band.",
        "file_order": "in the order of the files",
        "looks_file_order": "Horizontal stripes of lung and belly in a jumble, and no organ to be made out.",
        "upside_down": "from head to foot",
        "looks_upside_down": "A chest on its head: the tips of the lungs point down and the liver is at the top.",
        "by_place": "by place",
        "looks_by_place": "A chest with the tips of the lungs at the top and the liver at the bottom.",
        "upright": "gantry upright",
        "looks_upright": "Spine and breastbone stand upright in the picture.",
        "tilted": "gantry tilted, stacked as if upright",
        "looks_tilted": "The same chest, sheared: the front is pushed upwards against the back.",
        "height_mm": "height of the lesion, mm",
        "missed_percent": "chance to be missed, %",
        "alt_volume": "{plane} slice through a synthetic scan of {count} axial slices {mm:.2g} mm apart, {window}: "
        "{name}. {looks}",
    }
)
