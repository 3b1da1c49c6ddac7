"""Every word that a figure may show or speak, in one place, so that a translation replaces one mapping."""

from __future__ import annotations

from types import MappingProxyType

WORDS = MappingProxyType(
    {
        # Printed on a picture.
        "R": "R",
        "L": "L",
        "A": "A",
        "P": "P",
        "scale": "{mm:g} mm",
        "level_width": "L {level:g} / W {width:g}",
        "synthetic": "synthetic, not a patient",
        # Titles and captions.
        "axial": "Axial",
        "coronal": "Coronal",
        "sagittal": "Sagittal",
        "slice": "slice {k}",
        "plane_slice": "{plane} slice {k}",
        "study": "study {id}, {category}",
        "lung": "lung window",
        "mediastinum": "mediastinal window",
        "bone": "bone window",
        "own": "window",
        "own_title": "level {level:g}, width {width:g} HU",
        "window": "{name} (level {level:g}, width {width:g} HU)",
        "caption_slices": "{plane} slices of {study}, {window}.",
        "caption_planes": "{study} in three planes, {window}.",
        "caption_studies": "One axial slice of each study at the same relative height, {window}.",
        "caption_windows": "Axial slice {k} of {study}.",
        "caption_grey": "Axial slice {k} of {study}, {window}, with fewer and fewer grey values.",
        "caption_raw": "Slice {k} of {study}: the array as the file stores it, and turned for display.",
        "caption_histogram": "Hounsfield units of all voxels of {study}.",
        "caption_mask": "The orange line is the outline of the mask.",
        "caption_no_mask": "The study has no mask.",
        "caption_synthetic": "Synthetic study, not a patient.",
        "caption_synthetic_studies": "Synthetic studies, not patients.",
        "caption_still": "On this page the picture stands still; run the notebook to move the sliders.",
        "raw": "as stored",
        "turned": "turned for display",
        "grey_values": "{n} grey values",
        # Signs, and what makes grading hard.
        "ground-glass opacity": "ground-glass opacity",
        "consolidation": "consolidation with air bronchogram",
        "crazy paving": "crazy paving",
        "reticulation": "reticulation",
        "subpleural line": "subpleural line",
        "reversed halo": "reversed halo (atoll)",
        "halo": "halo",
        "dependent_atelectasis": "dependent atelectasis",
        "expiration": "expiration",
        "emphysema": "emphysema",
        "apical_scars": "apical scars",
        "nodules": "nodules",
        "effusion": "pleural effusion",
        "motion": "motion",
        "metal": "metal",
        "calcification": "calcified aorta and coronary arteries",
        "lobar_pneumonia": "lobar pneumonia",
        # Signs up close, and the labels of a slice.
        "air bronchogram": "air bronchogram",
        "vascular thickening": "vascular thickening",
        "outlined": "{name}, outlined",
        "unlabelled": "as you would meet it",
        "place": "where it lies",
        "none_outlined": "none of these signs here",
        "caption_sign": "{name}: a square {width:g} mm wide; the orange line is the outline of its label. Last, the "
        "whole slice with the square.",
        "caption_crops": "Each square is enlarged; the bar gives the scale.",
        "caption_labels": "Axial slice {k} of {study}, {window}.",
        "caption_no_labels": "This folder has no labels of signs, so instead of tints you see the mediastinal window.",
        "legend": "{colour}: {name}",
        "orange": "orange",
        "blue": "blue",
        "hatched": "yellow, hatched",
        "short_ground-glass opacity": "ground glass",
        "sign_area": "{name} {area:.1f} square centimetres",
        "on_right": "the patient's right, on the viewer's left",
        "on_left": "the patient's left, on the viewer's right",
        "at_front": "in the front half",
        "at_back": "in the back half",
        "alt_crop": "Enlarged part of a synthetic axial CT slice, {width:.0f} mm wide, {window}, drawn to show: "
        "{name}. {seen} The sign covers {share:.0%} of the picture; its mean of {mean:.0f} HU is shown as grey "
        "{grey:.0f}, where 0 is black and 255 white.",
        "alt_outlined": " Its label is outlined.",
        "alt_place": "The whole synthetic axial slice, {window}. A frame marks where the enlarged part with {name} "
        "lies: on {side}, {depth} of the body.",
        "alt_signs": " Tinted: {signs}.",
        # Grading.
        "involved": "involved share of the lobe",
        "true_percent": "true involvement of the lungs, %",
        "probability": "probability",
        "reader_1": "first reader, %",
        "reader_2": "second reader, %",
        "same_grade": "same category",
        "other_grade": "another category",
        "sensitivity": "share found: what 95 % confidence leaves open",
        "curve": "{name} is most likely, at {top:.0%}, near {percent:.0f} %",
        "interval": "{name} with {n} studies, {low:.1%} to 100%",
        "alt_overview": "{count} axial slices of {name} from the upper to the lower lungs, two in a row, {window}. "
        "What they show is not described here, because to judge it is the exercise.",
        "alt_blind": "Axial CT slice {k} of {count}, {name}, {window}. What it shows is not described here, because "
        "to judge it is the exercise.",
        "alt_extent": "{plane} slice through most of the lesion of a synthetic study called {name}, {window}.",
        "alt_lobe_bars": "Bar chart of the involved share of each lobe. {bars}",
        "alt_probabilities": "Line chart of the probability of each category against the true percentage: {curves}. "
        "Dotted lines mark 25, 50 and 75 %, where two curves cross.",
        "alt_readers": "Scatter chart of the percentages that two readers gave {n} studies: correlation {r:.2f}, the "
        "same category in {same:.0%}. Dotted lines mark 25, 50 and 75 %.",
        "alt_certainty": "Chart of 95 % confidence intervals of the share found, if every study of a category was "
        "found: {intervals}. The fewer the studies, the longer the bar.",
        # The practice in grading.
        "case": "study {n} of {count}",
        "ask": "{name}: which category?",
        "option_CT-0": "CT-0 (none)",
        "option_CT-1": "CT-1 (under 25 %)",
        "option_CT-2": "CT-2 (25 to 50 %)",
        "option_CT-3": "CT-3 (50 to 75 %)",
        "option_CT-4": "CT-4 (over 75 %)",
        "right": "Right.",
        "too_high": "Too high by {steps}.",
        "too_low": "Too low by {steps}.",
        "one_step": "one category",
        "steps": "{n} categories",
        "measured": "Measured: {percent:.1f} % of both lungs (right lung {right:.0f} %, left lung {left:.0f} %), "
        "which is {category}.",
        "label_agrees": "The label is {label}, too.",
        "label_differs": "The label is {label}: its simulated reader saw {percent:.0f} %.",
        "near_limit": "That is {points:.1f} points from the limit at {limit} %, where readers often part.",
        "label_only": "The label is {label}. This folder holds no measurement.",
        "next": "Next study",
        "finish": "Show my agreement",
        "agreement_empty": "Your agreement appears here when all {count} studies are graded; your first answers count.",
        "agreement_with_measured": "With the measurement",
        "agreement_with_label": "With the label",
        "agreement": "{who}: {same} of {count} the same; kappa {plain}, quadratic-weighted kappa {weighted}.",
        "undefined": "not defined (only one category occurs)",
        "confusion": "Rows: {who}. Columns: your answers.",
        # Names of sliders.
        "level": "Level, HU",
        "width": "Width, HU",
        "slice_number": "Slice",
        # Axes and legends.
        "hu": "Hounsfield units (HU)",
        "voxels": "share of voxels, %",
        "grey": "grey value",
        "studies": "studies",
        "air": "air",
        "lungs": "lung",
        "fat": "fat",
        "soft tissue": "soft tissue",
        "bones": "bone",
        # What is to be seen, for readers who do not see it.
        "alt_slice": "{plane} CT slice {k} of {count}, {study}, {window}. {seen}{mask}",
        "seen_lung": "Where there is aerated lung, it is dark grey with light vessels; soft tissue and bone are white.",
        "seen_mediastinum": "Aerated lung is black and empty; fat is dark grey, muscle, heart and vessels are light "
        "grey, bone is white.",
        "seen_bone": "Aerated lung is black, soft tissue is an even dark grey, and bone is light, its dense outer "
        "layer lightest.",
        "seen_own": "Everything below {low:g} HU is black and everything above {high:g} HU white.",
        "alt_mask": " Outlined regions in this slice: {regions}, together {area:,.0f} square millimetres, {left:.0f} % "
        "of it in the half of the picture on the patient's left.",
        "alt_no_mask": " Nothing is outlined in this slice.",
        "alt_tile": "Synthetic CT slice, {width:.0f} mm wide, {window}, drawn to show: {name}. {seen}",
        "alt_raw": "The same slice with the array's first axis downwards and its second to the right: the patient lies "
        "on one side.",
        "alt_grey": "The same slice with {n} grey values: {seen}",
        "seen_many": "the shades run smoothly.",
        "seen_some": "the shading turns into visible steps.",
        "seen_few": "the lungs become flat patches, and faint differences are gone or exaggerated at a step.",
        "alt_counts": "Bar chart of the number of studies per category: {bars}.",
        "bar": "{name} {n} ({share:.1%})",
        "alt_histogram": "Histogram of the Hounsfield units of {study}, its vertical axis logarithmic, with peaks "
        "near {peaks} HU. Bars below it mark usual ranges: {ranges}.",
        "alt_ramps": "Line chart of grey value against Hounsfield units, one line a window: {windows}. Between these "
        "two values a line rises evenly; outside it is flat. Bars below it mark usual ranges: {ranges}.",
        "ramp": "{name} is black up to {low:g} and white from {high:g} HU",
        "range": "{name} {low} to {high} HU",
        "and": " and ",
        "none": "no value in particular",
    }
)


def say(key: str, **values) -> str:
    """Fill in one of `WORDS`."""
    return WORDS[key].format(**values)


def study_words(study) -> str:
    """Which study this is."""
    return say("study", id=study.id, category=study.category)


def origin_words(study) -> str:
    """The sentence that a synthetic study carries wherever it is shown; '' for a patient's."""
    return WORDS["caption_synthetic"] if study.is_synthetic else ""


def sentence(*parts: str) -> str:
    """Join the parts that there are, the first letter large."""
    text = " ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]
