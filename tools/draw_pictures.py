"""Draw the picture of the README and the preface: one lightness, several truths.

python tools/draw_pictures.py
"""

from pathlib import Path

import torch
from PIL import Image

from colorize_lib.plots import lab_to_picture
from colorize_lib.scenes import draw_scenes

PICTURE = Path(__file__).parent.parent / "book" / "_static" / "one-lightness.jpg"
SIZE, GAP = (360, 400), 8


def main() -> None:
    colored = [
        draw_scenes(1, SIZE, seed=4, color_seed=seed).lab[0] for seed in range(3)
    ]
    gray = colored[0] * torch.tensor([1, 0, 0]).view(3, 1, 1)
    panels = [lab_to_picture(lab).permute(1, 2, 0).numpy() for lab in (gray, *colored)]
    height, width = SIZE
    sheet = Image.new("RGB", (2 * width + GAP, 2 * height + GAP), "white")
    for i, panel in enumerate(panels):
        place = (i % 2 * (width + GAP), i // 2 * (height + GAP))
        sheet.paste(Image.fromarray(panel), place)
    sheet.save(PICTURE, quality=88, subsampling="4:4:4", optimize=True)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
