"""Draw the pictures that are no figures: of the preface, the badge, the tab's icon.

    python tools/draw_pictures.py

And the gallery by the default model, for the page of attempts."""

from pathlib import Path

import torch
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from colorize_lib.inference import Colorizer
from colorize_lib.notebook.plots import lab_to_picture
from colorize_lib.photos import find_gallery, read_photo
from colorize_lib.scenes import draw_scenes
from colorize_lib.weights import DEFAULT, stored_weights

STATIC = Path(__file__).parent.parent / "book" / "_static"
SIZE, GAP = (360, 400), 8
# Okabe and Ito's, which are told apart with any eyes.
BLUE, ORANGE, INK = "#0072b2", "#e69f00", "#24292f"


def main() -> None:
    save(sheet(four(SIZE), columns=2), "one-lightness.jpg", quality=88)
    # Sites that show a link cut its picture to 1200 x 630.
    save(sheet(four((315, 600)), columns=2, gap=0), "card.jpg", quality=85)
    save(badge(), "open-in-colab.png")
    save(icon(), "favicon.png")
    save(sheet(gallery(), columns=6, gap=4), "default-gallery.jpg", quality=80)


def four(size: tuple[int, int]) -> list[Image.Image]:
    """One drawn scene, in gray and in three colorings."""
    colored = [
        draw_scenes(1, size, seed=4, color_seed=seed).lab[0] for seed in range(3)
    ]
    gray = colored[0] * torch.tensor([1, 0, 0]).view(3, 1, 1)
    panels = [lab_to_picture(lab).permute(1, 2, 0).numpy() for lab in (gray, *colored)]
    return [Image.fromarray(panel) for panel in panels]


def sheet(panels: list[Image.Image], *, columns: int, gap: int = GAP) -> Image.Image:
    """Pictures of one size in rows."""
    (width, height), rows = panels[0].size, -(-len(panels) // columns)
    size = columns * (width + gap) - gap, rows * (height + gap) - gap
    whole = Image.new("RGB", size, "white")
    for i, panel in enumerate(panels):
        place = (i % columns * (width + gap), i // columns * (height + gap))
        whole.paste(panel, place)
    return whole


def gallery(side: int = 152) -> list[Image.Image]:
    """Every picture of it by chapter 5's U-Net, by the default model, and as it is."""
    names = ("unet-squeezenet", DEFAULT)
    models = [Colorizer.load(stored_weights(name)) for name in names]
    panels = []
    for picture in find_gallery():
        given = read_photo(picture.path, side)
        colored = [model.color_in_place(given.clone()) for model in models]
        panels += [
            Image.fromarray(x.permute(1, 2, 0).numpy()) for x in (*colored, given)
        ]
    return panels


def badge() -> Image.Image:
    """Shown at half its size; few colors, since it lies in every notebook."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 22)
    text, height = "Open in Colab", 44
    width = round(font.getlength(text)) + 62
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), 8, fill=INK)
    draw.polygon([(18, 13), (18, 31), (33, 22)], fill=ORANGE)
    draw.text((46, height / 2), text, fill="white", font=font, anchor="lm")
    return picture.quantize(8)


def icon() -> Image.Image:
    """Half gray, half in color."""
    picture = Image.new("RGBA", (64, 64))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((2, 2, 61, 61), fill="#8a8a8a")
    draw.pieslice((2, 2, 61, 61), -90, 90, fill=ORANGE)
    draw.pieslice((2, 2, 61, 61), 0, 90, fill=BLUE)
    return picture


def save(picture: Image.Image, name: str, **options) -> None:
    """Write a picture, and say how large it has become."""
    if name.endswith(".jpg"):
        options |= {"subsampling": "4:4:4"}
    picture.save(STATIC / name, optimize=True, **options)
    print(f"{name}: {picture.size}, {(STATIC / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
