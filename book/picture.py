"""Draw the README's picture: one synthetic study of each category. Run by `make picture`."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mosmed_edu import WINDOWS, apply_window, open_dataset
from mosmed_edu.dataset import Study
from mosmed_edu.layout import CATEGORIES

PICTURE = Path(__file__).resolve().parent / "_static" / "five-categories.webp"
_WIDTH, _LINE = 240, 26
_WORDS = "Synthetic studies, drawn by a program. No patient. Not for diagnosis."


def main() -> None:
    """Write the picture."""
    dataset = open_dataset("sample")
    if not dataset.is_synthetic:
        raise SystemExit("MOSMED_ROOT: points to scans, which may not be published. Next: unset it, and run this again")
    canvas = Image.new("L", (_WIDTH * len(CATEGORIES), _WIDTH + 2 * _LINE), 0)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(16)
    for n, category in enumerate(CATEGORIES):
        canvas.paste(_slice(dataset.first(category=category)), (n * _WIDTH, _LINE))
        pen.text((n * _WIDTH + 8, 4), category, 255, font)
    pen.text((8, _WIDTH + _LINE + 4), _WORDS, 255, font)
    canvas.save(PICTURE, quality=80, method=6)
    print(PICTURE)


def _slice(study: Study) -> Image.Image:
    """The middle slice in the lung window."""
    ct = study.ct()
    grey = apply_window(ct.axial(ct.shape[2] // 2), WINDOWS["lung"])
    return Image.fromarray(grey).resize((_WIDTH, _WIDTH), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
