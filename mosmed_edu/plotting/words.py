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
        # Anatomy.
        "trachea": "trachea",
        "right main bronchus": "right main bronchus",
        "left main bronchus": "left main bronchus",
        "oesophagus": "oesophagus",
        "ascending aorta": "ascending aorta",
        "aortic arch": "aortic arch",
        "descending aorta": "descending aorta",
        "pulmonary trunk": "pulmonary trunk",
        "right pulmonary artery": "right pulmonary artery",
        "left pulmonary artery": "left pulmonary artery",
        "superior vena cava": "superior vena cava",
        "inferior vena cava": "inferior vena cava",
        "right brachiocephalic vein": "right brachiocephalic vein",
        "left brachiocephalic vein": "left brachiocephalic vein",
        "brachiocephalic trunk": "brachiocephalic trunk",
        "left common carotid artery": "left common carotid artery",
        "left subclavian artery": "left subclavian artery",
        "azygos vein": "azygos vein",
        "right inferior pulmonary vein": "right inferior pulmonary vein",
        "left inferior pulmonary vein": "left inferior pulmonary vein",
        "left atrium": "left atrium",
        "right atrium": "right atrium",
        "left ventricle": "left ventricle",
        "right ventricle": "right ventricle",
        "right ventricular outflow tract": "right ventricular outflow tract",
        "spleen": "spleen",
        "liver": "liver",
        "stomach": "stomach",
        "gall bladder": "gall bladder",
        "pancreas": "pancreas",
        "right kidney": "right kidney",
        "left kidney": "left kidney",
        "vertebral body": "vertebral body",
        "spinal canal": "spinal canal",
        "sternum": "sternum",
        "clavicle": "clavicle",
        "rib": "rib",
        "scapula": "scapula",
        "right upper lobe": "right upper lobe",
        "right middle lobe": "right middle lobe",
        "right lower lobe": "right lower lobe",
        "left upper lobe": "left upper lobe",
        "left lower lobe": "left lower lobe",
        "right oblique fissure": "right oblique fissure",
        "left oblique fissure": "left oblique fissure",
        "horizontal fissure": "horizontal fissure",
        "right lung": "right lung",
        "left lung": "left lung",
        "level_apex": "apices of the lungs",
        "level_arch": "aortic arch",
        "level_bronchi": "main bronchi",
        "level_atria": "atria of the heart",
        "level_ventricles": "ventricles of the heart",
        "level_dome": "domes of the diaphragm",
        "level_abdomen": "upper abdomen",
        "lobe_1": "1 right upper lobe",
        "lobe_2": "2 right middle lobe",
        "lobe_3": "3 right lower lobe",
        "lobe_4": "4 left upper lobe",
        "lobe_5": "5 left lower lobe",
        "caption_atlas": "Level of the {level}: axial slice {k} of {study}.",
        "caption_lobes": "Lobes of {study}: {lobes}.",
        "alt_atlas": "Axial CT slice {k} of {count}, {study}, {window}. {seen} Numbered on it: {named}.",
        "alt_lobes": "{plane} CT slice {k}, {study}, lung window, with the outlines of: {lobes}.",
        "named": "{n} {name} ({side})",
        "nothing_named": "nothing",
        "at_right": "on the patient's right",
        "at_left": "on the patient's left",
        "at_midline": "near the midline",
        "caption_zoom": "Cut-outs of {study}, {size:g} mm wide, {window}.",
        "alt_zoom": "Axial CT cut-out, {size:g} mm wide, slice {k}, {study}, {window}: {name}.",
        "alt_drawing": "Synthetic axial CT slice at {share:.0f} % of the lungs' height, {window}: {name}. {looks}",
        "normal": "normal chest",
        "looks_normal": "Both lungs are evenly dark grey with light vessels that branch and thin out outwards.",
        "looks_dependent_atelectasis": "A hazy light band runs along the back of both lungs and fades forwards.",
        "looks_expiration": "The lungs are smaller and evenly lighter, most at the back; vessels are still seen.",
        "looks_motion": "Heart border, vessels and fissures are blurred or doubled.",
        "looks_apical_scars": "Light bands and a cap of thickened pleura at the top of the lungs.",
        "looks_nodules": "Small round white spots that do not branch.",
        "looks_ground glass": "Hazy light patches near the pleura, through which vessels can be seen.",
        "ground glass": "ground glass",
        "dense part": "dense part",
        "early": "early",
        "looks_early": "A few small hazy patches near the pleura.",
        "progressive": "progressive",
        "looks_progressive": "Larger hazy patches, some with a net of lines or with white parts.",
        "peak": "peak",
        "looks_peak": "Haze and white consolidation fill much of the back of both lungs.",
        "absorption": "absorption",
        "looks_absorption": "Fewer patches, all of them hazy and none of them white.",
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
        # Density and place.
        "voxels_of_group": "share of the group, %",
        "share_in_third": "share that lies in this third, %",
        "thirds_outer to inner": "outer, middle, inner",
        "thirds_back to front": "back, middle, front",
        "thirds_base to apex": "base, middle, apex",
        "black_left": "black in the {name}  ",
        "density_group": "{name}: median {median:.0f} HU, nine tenths between {low:.0f} and {high:.0f} HU",
        "alt_density": "Line chart of the share of voxels against Hounsfield units, one line a group. {groups}.",
        "alt_density_edge": "A dashed line at {edge:.0f} HU marks the lower edge of the {name}.",
        "alt_thirds": "Bars of the share in each third of the lungs; an even spread would give 33 % each. {shares}.",
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
