"""Write book/what-we-tried.md: what was done to better the default model.

    python tools/attempts_page.py

All its numbers come from the files of results/; its sentences are checked by hand when
those change."""

from pathlib import Path

from result_tables import (
    difference_tables,
    markdown,
    rows_table,
    score_tables,
    seeds_tables,
)

from colorize_lib.evaluation.choose import CHOSEN_BY
from colorize_lib.evaluation.results import FOLDER, load_result
from colorize_lib.evaluation.scores import GRAY, TRUTH, paired_differences
from colorize_lib.experiments.compare import load_comparison
from colorize_lib.files import replacing
from colorize_lib.weights import DEFAULT

PAGE = Path(__file__).parent.parent / "book" / "what-we-tried.md"
BEFORE = "unet-squeezenet"
# Attempts whose scores were kept, not their weights.
UNFROZEN = "unet-squeezenet-unfrozen"
LITE_UNFROZEN = "unet-efficientnet-lite-unfrozen"
# Of all methods, what shares generator, first weights, pictures and their number.
METHODS = {
    "compare-losses": ("L2", "L1", "odds", "odds, rebalanced"),
    "compare-games": (
        "pix2pix, L1 weight 100",
        "pix2pix, L1 weight 1000",
        "WGAN-GP 5 : 1",
        "WGAN-GP 1 : 1",
        "WGAN-GP 1 : 1, L1 weight 200",
    ),
}

INTRODUCTION = """\
# What we tried

<!-- Made by tools/attempts_page.py; change that, and run it again. -->

A log of what was done to make `colorize` better, and what it bought, failures included.
It had to become at least 0.8 dB nearer to the photographs than gray (and more than 0.5 at
the lower end of the interval), with at least half of their colorfulness; we hoped for 1.5 dB
and 60 %. All numbers are written by `tools/attempts_page.py` from
the files in `results/`; what the scores mean is taught in [chapter 3](03-autoencoder).

## Where it stands
"""
STANDS = """\
`{default}` is what `colorize` uses. On {count} test photographs, which no choice was made
with, it is {gain:+.2f} dB from gray [{low:+.2f}, {high:+.2f}] with {share:.0f} % of the true
colorfulness; before it, `{before}` was {before_gain:+.2f} dB from gray
[{before_low:+.2f}, {before_high:+.2f}] with {before_share:.0f} %. {verdict}
"""
REACHED = "So what it had to become is reached."
MISSED = "So what it had to become is **not** reached."
HOPED = "What we hoped for is reached, too."
NOT_HOPED = "What we hoped for is not: what we believe holds it back stands at the end."
ENCODERS = """\
## A better encoder

SqueezeNet came first because its weights were at hand. Of {count} gray photographs whose
class is known it names {squeezenet:.0f} %, EfficientNet-Lite0 {lite:.0f} %
(`tools/name_in_gray.py`). A U-Net around that one, trained in the same way, is `{default}`;
[chapter 5](05-unet) has more. It bought more than anything else on this page, and
multiplies a tenth as often for a photograph of the same size.

Letting an encoder **learn** at the end did not pay, with neither of them. The weights of
these attempts were not kept:

- `{unfrozen}` goes on from `{before}` with its encoder learning. In the end {kept:.0f} % of
  the weights that it had started from are kept, and what its last tanh is given is
  multiplied by {vividness:g}. It gained on validation photographs, and nothing on others:
  see below.
- `{lite_unfrozen}` learns in {epochs} more epochs of some {pictures:,.0f} photographs. The training
  loss fell from {loss_before:.4f} to {loss_after:.4f}, and CIEDE2000 on validation
  photographs rose from {best_before:.2f}, the best before, to {best_after:.2f}, the best
  after: it learns its photographs by heart.

"""
GALLERY = """\
Every picture of the gallery that could be had, none left out: by chapter 5's U-Net on
SqueezeNet, by the default model, and as it is. (The last four never had a color.)

![Twenty-two photographs in three versions. By the U-Net on SqueezeNet nearly all are pale
brown. By the default model skies are blue, faces and hair have their colors, a dahlia is
yellow, dunes are golden, spices yellow and brown; a suit and tea gardens stay brown, a saucer
gray, and little blue flowers become yellow. The photographs themselves are orange, green, red
and blue there.](_static/default-gallery.jpg)

The gain is in what has a usual color: skies, over the rocket, the arena and the harbor too;
skin and hair; leaves behind the birds; the dahlia and the dunes, which it takes for yellow and
golden where they are orange and red. Nothing has been won where a thing could have any color
(suit, saucer, the cloth of the flags), nor in the tea gardens, where it should have been. And
what is vivid can be wrong: the little blue flowers have become yellow, and there is a violet
rim to the sky around the rocket.
"""
IDEAS = """\
## Before the training: one thing changed at a time

Short trainings of chapter 5's U-Net on the pretrained SqueezeNet: {budget}. Each changes
one thing of the first row. A cell is the mean over seeds and test photographs and, below
it, the lowest and the highest seed.
"""
AFTER = """\
## After the training: nothing learned, only read in another way

On **validation** photographs, since these are choices; so no number here may be put beside
those of the test photographs above. "Times 1.4": what the last tanh is given is multiplied
(`boost_chroma`). "Mirror image": the photograph is colored twice, once mirrored, and the mean
taken. "The odds'": the mean with the answer of chapter 10's network.
"""
METHODS_TEXT = """\
## All methods at the same budget

One generator, chapter 5's stored U-Net, goes on by each method: the same photographs in the
same order, seen as often (3 epochs of some 2,500 at 32 pixels), the same test photographs,
three seeds. (The losses were trained with a learning rate of 0.001, since the last layer of
the odds is new, the games with 0.0002. The penalty of WGAN-GP costs about twice the time.)
"""


def main() -> None:
    text = page()  # all of it, before the old page is touched
    with replacing(PAGE) as file:
        file.write(text.encode())


def page() -> str:
    """The whole page, from the result files alone."""
    stages = {name: load_result(name) for name in (BEFORE, UNFROZEN, DEFAULT)}
    ours, before = stages[DEFAULT], stages[BEFORE]
    ideas, about = load_comparison("compare-ideas")
    stage = about["recipes"][ideas[0].variant]["stages"][0]
    budget = f"{stage['epochs']} epoch of 22,000 pictures at {stage['size']} pixels"
    parts = [
        INTRODUCTION,
        score_tables(stages),
        "**Minus the gray picture**, photograph by photograph",
        difference_tables(stages, GRAY),
        stands(ours, before),
        encoders(),
        GALLERY,
        IDEAS.format(budget=budget),
        seeds_tables(ideas),
        IDEAS_SAY,
        AFTER,
        rows_table(load_result("after-training")["summary"]),
        AFTER_SAYS,
        METHODS_TEXT,
        seeds_tables(methods()),
        METHODS_SAY,
        FLATTERED,
        flattered(),
        FLATTERED_SAYS,
        ELSEWHERE,
        HELD_BACK,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def encoders() -> str:
    """What an encoder knows, and what was tried before a better one was found."""
    named, tried = load_result("named-in-gray"), load_result(UNFROZEN)
    squeezenet, lite = named["share"].values()
    learned = load_result(LITE_UNFROZEN)
    epochs = learned["recipe"]["stages"][-1]["epochs"]
    before, after = learned["history"][:-epochs], learned["history"][-epochs:]
    size = after[0]["size"]  # scores of other sizes cannot be compared
    before = [line for line in before if line["size"] == size]
    last = before[-1]
    return ENCODERS.format(
        count=named["photographs"]["labeled"], squeezenet=100 * squeezenet,
        lite=100 * lite, default=DEFAULT, before=BEFORE, unfrozen=UNFROZEN,
        vividness=tried["vividness"], kept=100 * tried["recipe"]["kept"],
        lite_unfrozen=LITE_UNFROZEN, epochs=epochs,
        pictures=round(last["images_per_second"] * last["seconds"], -2),
        loss_before=last["loss"], loss_after=after[-1]["loss"],
        best_before=min(line[CHOSEN_BY] for line in before),
        best_after=min(line[CHOSEN_BY] for line in after),
    )  # fmt: skip


def methods():
    """The runs of several comparisons that may stand in one table."""
    return [
        run
        for name, variants in METHODS.items()
        for run in load_comparison(name)[0]
        if run.variant in variants
    ]


def flattered() -> str:
    """The gain of every stored model on validation and on test photographs."""
    after = load_result("after-training")
    gray = after["scores"][GRAY].means()["psnr"]
    plain = after["test_without_factor"]
    lines = []
    stored = [card.stem for card in (FOLDER.parent / "weights").glob("*.md")]
    for name in sorted([*stored, UNFROZEN]):
        result = load_result(name)
        chosen = result["validation_by_size"][str(result["size"])]["psnr"] - gray
        if name == DEFAULT:  # strengthened after that choice
            without = plain[name]["psnr"] - plain[GRAY]["psnr"]
            lines += [
                [f"{name}, without its factor", f"{chosen:+.2f}", f"{without:+.2f}"]
            ]
        if name == UNFROZEN:
            lines += [[f"{name}, without its factor", f"{chosen:+.2f}", "–"]]
        shown = "–" if name in (DEFAULT, UNFROZEN) else f"{chosen:+.2f}"
        lines += [[name, shown, f"{_gain(name, result):+.2f}"]]
    return markdown(["", "validation, dB", "test, dB"], lines)


def stands(ours: dict, before: dict) -> str:
    """Whether the goal is reached, in a sentence."""

    def share(name, result):
        colorfulness = [
            result["scores"][row].means()["colorfulness"] for row in (name, TRUTH)
        ]
        return 100 * colorfulness[0] / colorfulness[1]

    now, then = _gain(DEFAULT, ours), _gain(BEFORE, before)
    color = share(DEFAULT, ours)
    reached = now.mean >= 0.8 and now.low > 0.5 and color >= 50
    hoped = now.mean >= 1.5 and color >= 60
    verdict = f"{REACHED if reached else MISSED} {HOPED if hoped else NOT_HOPED}"
    return STANDS.format(
        default=DEFAULT, before=BEFORE, count=len(ours["photographs"]["test"]),
        gain=now.mean, low=now.low, high=now.high, share=color,
        before_gain=then.mean, before_low=then.low, before_high=then.high,
        before_share=share(BEFORE, before), verdict=verdict,
    )  # fmt: skip


def _gain(name, result):
    return paired_differences(result["scores"][name], result["scores"][GRAY])["psnr"]


IDEAS_SAY = """\
- **An encoder that learns** is ahead in PSNR with every seed, by less than a tenth of a
  decibel. At a third of the rate the rest of the network, which starts from nothing, learns
  too little. What came of letting it learn at the end of a long training stands above.
- **L2** shows a quarter more color than L1, and is further from the photographs than gray by
  CIEDE2000.
- **20,000 small pictures buy nothing here**: nine passes over the 2,500 larger photographs
  alone are as good in PSNR, and in CIEDE2000 a little better with every seed. They were meant
  for longer trainings, in which nine passes become ninety: the default model's begins with
  four epochs of them. What they are worth there we have not measured.
- **The landscapes** among the larger ones make no difference to speak of.
"""
AFTER_SAYS = """\
- **For a pale network a factor is the cheapest color there is.** Times 1.2 costs the U-Net on
  SqueezeNet less than a tenth of a decibel and no L1. From there on every step costs more
  than the one before. The default model is vivid by itself, and pays from the first step on.
  Its factor is the least that gives validation photographs 52 % of their colorfulness, a
  little more than half; with what test photographs show, it could have done without.
- **The mirror image** helps every distance, by a few hundredths of a decibel, and doubles the
  time. Not taken.
- **Mixing in the odds** gives the pale one color, too, but a factor gives as much for less;
  from the default it takes some. Not taken.
"""
METHODS_SAY = """\
- **L1 wins every distance, the games win the color**: that a plain U-Net is no worse than
  GANs by PSNR and SSIM, as student studies have found, is confirmed. By LPIPS, which was
  only computed for the [stored models](all-results), it is a tie with WGAN-GP, and pix2pix is
  behind.
- **Does a game pay at this scale?** Not if color is all that is asked for. With an L1 weight
  of 1000, pix2pix has a little more color than L1, and WGAN-GP with 200 half as much again;
  both are further from the photographs than L1 is after a factor, which costs no training.
  What a game may give beyond that, colors that belong together, no score here measures.
- Odds, rebalanced or not, do not pay at this budget either: their last layer is new.
"""
FLATTERED = """\
## What choices flatter

Validation photographs choose epoch, size and factor. The table has the gain over gray in
PSNR of every model, on them and on the test photographs, at the size that was chosen:
"""
FLATTERED_SAYS = """\
Part of every gap is that the two sets are different photographs, and the same for all. The
widest by far is that of `unet-squeezenet-unfrozen`, and its factor explains only some of it.
It was expected to gain on the test photographs what it had gained on the others, and did
not. We looked for leaks (no training picture is a near-duplicate of a validation photograph),
and a choice among ten epochs cannot explain all of it. What it teaches is what chapter 3
said: a number on photographs by which something was chosen is no result.
"""
ELSEWHERE = """\
## Tried in the chapters

- A pretrained encoder against a random one, and skips on and off: [chapter 5](05-unet).
- A classifier's opinion on the whole picture: [chapter 4](04-fusion). That of a better
  classifier brought the network nearer to the photographs, and made it paler.
- Networks of another build for the same L1: [chapter 3](03-autoencoder).
- Games, their L1 weights, an average of the generator: [chapters 7](07-pix2pix) and
  [8](08-wgan-gp).
- Odds of colors, and the knob between pale and wrong: [chapter 10](10-why-brown).
"""
HELD_BACK = """\
## What holds it back

What we believe, with the evidence there is:

- **Too few photographs in color.** The encoder has seen 1.3 million; which colors belong to
  what it sees was learned from 2,500 photographs and 20,000 small pictures. Allowed to learn,
  too, it learned them by heart (see above). Published networks that are 1.6 dB ahead of gray
  have learned from 1.2 million.
- **What an encoder of 3 million parameters can know.** The step from SqueezeNet to
  EfficientNet-Lite0 was worth more than all others, so a still larger encoder is the next
  thing to try. Not tried yet: EfficientNet-Lite1 and 2, whose weights are packages as well,
  and, where torchvision's weights can be downloaded, any of its networks (`backbone_unet`).
- **One answer a pixel.** Some of the color is lost to doubt that is justified
  ([chapter 10](10-why-brown)): no network will know the color of a balloon.
- **One training, one seed**, of each of these models: the next one may be a little better or
  worse by chance.
"""

if __name__ == "__main__":
    main()
