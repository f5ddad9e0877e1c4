"""A Turing test on the page: is this picture real, or did a network color it?

Used in chapter 9. It is plain HTML and JavaScript with the pictures inside, so that it
works in a notebook, in Colab and on the static page, and loads nothing from anywhere.
"""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from statistics import NormalDist

import torch
from PIL import Image
from torch import Tensor

from colorize_lib.photos import is_near_gray, mean_chroma

# About 12 kB a picture of 224 pixels. The usual 4:2:0 would take a fifth less, but the
# colors, which are what is judged, would have half the resolution.
JPEG = {"quality": 80, "subsampling": "4:4:4", "optimize": True, "progressive": True}


@dataclass(frozen=True)
class TuringTest:
    """A test to be played in a browser, made by :func:`turing_test`.

    A notebook shows it where it is the last value of a cell.

    Attributes:
        html: all of it: pictures, texts and script.
        pictures: how many are judged.
        model: whose colors are among them.
    """

    html: str
    pictures: int
    model: str

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        many = f"{self.pictures} picture{'s' if self.pictures > 1 else ''}"
        return (
            f"Turing test on {many}, real or colored by {self.model}: "
            "played where HTML is shown, in a notebook or on the book's page."
        )


def turing_test(
    names: Sequence[str],
    real: Tensor,
    colored: Tensor,
    *,
    model: str,
    side: int = 224,
) -> TuringTest:
    """Make a test of whether a reader can tell a network's colors from real ones.

    Every picture is shown once, in its own colors or in the network's. In each run the
    browser shuffles them and tosses a coin for each: what has been shown says nothing
    about what comes, and who guesses is right half of the time. (Zhang, Isola, Efros
    2016 show both versions, a second each. Here one is shown, for as long as one likes,
    and the answer is told at once.)

    The same arguments make the same HTML, so stored outputs stay as they are.

    Args:
        names: of the pictures, told after the answer; all different.
        real: uint8 ``(N, 3, H, W)``, the pictures in their own colors. Leave out
            photographs that exist in black and white only. (Those without any tone are
            refused, toned ones cannot be told from photographs of gray things.)
        colored: uint8 ``(N, 3, H, W)``, the same pictures in the network's colors.
        model: the network's name, for the reader.
        side: pixels of the longer side; larger pictures are reduced to it, smaller ones
            are shown enlarged.

    Returns:
        The test. Its HTML takes about 35 kB a picture at 224 pixels.

    Raises:
        TypeError: pictures that are not tensors of uint8, or a name that is no text.
        ValueError: no pictures; shapes or names that do not fit together; a name that
            is empty or there twice; a picture without color, or one that the network
            left as it was.
    """
    _check(names, real, colored, model, side)
    height, width = real.shape[-2:]
    scale = side / max(height, width)
    test = {
        "model": model,
        "size": [max(1, round(width * scale)), max(1, round(height * scale))],
        "pictures": [
            {"name": name, "real": _jpeg(own, scale), "colored": _jpeg(other, scale)}
            for name, own, other in zip(names, real, colored, strict=True)
        ],
        "verdicts": [_verdict(right, len(names)) for right in range(len(names) + 1)],
    }
    # Without "<" nothing that a name holds can end the script.
    data = json.dumps(test).replace("<", "\\u003c")
    # By its content, not by chance: the script finds its own element among several.
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    html = (
        f'<div class="turing-test" data-turing-test="{digest}" role="group" '
        f'aria-label="Turing test" tabindex="-1"><noscript>{_WITHOUT_SCRIPT}</noscript>'
        "</div>\n"
        f"<style>{_STYLE}</style>\n"
        f'<script>({_SCRIPT.strip()})("{digest}", {data});</script>'
    )
    return TuringTest(html, len(names), model)


def wilson_interval(
    right: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of a share, from a count (Wilson 1927).

    Unlike plus and minus two standard errors it stays within 0..1, and has a width even
    where all answers are right.

    Args:
        right: how many answers are right.
        trials: of how many.
        confidence: how often such intervals contain the true share, about.

    Returns:
        Its lower and its upper end, in 0..1.

    Raises:
        ValueError: no trials, more right answers than trials, or fewer than none; a
            confidence that is not between 0 and 1.
    """
    if trials < 1 or not 0 <= right <= trials:
        raise ValueError(f"{right} right answers of {trials}: no share has that count")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = right / trials, z * z / trials
    center = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return max(0.0, center - reach), min(1.0, center + reach)


# ------------------------------------------------------------ before the browser


def _check(names, real, colored, model, side):
    for what, pictures in (("real", real), ("colored", colored)):
        if not isinstance(pictures, Tensor) or pictures.dtype != torch.uint8:
            kind = getattr(pictures, "dtype", type(pictures).__name__)
            raise TypeError(f"{what} must be a tensor of uint8, not {kind}")
        if pictures.ndim != 4 or pictures.shape[1] != 3 or pictures.numel() == 0:
            raise ValueError(
                f"{what} has the shape {tuple(pictures.shape)}; "
                "give (N, 3, H, W), of at least one picture"
            )
    if real.shape != colored.shape:
        raise ValueError(
            f"real has the shape {tuple(real.shape)}, colored {tuple(colored.shape)}; "
            "give the same pictures twice, at the same size"
        )
    if side < 1:
        raise ValueError(f"side must be at least 1 pixel, not {side}")
    _check_names(names, len(real), model)
    for name, own, other in zip(names, real, colored, strict=True):
        if is_near_gray(float(mean_chroma(own))):
            raise ValueError(
                f"{name!r} has no color of its own to be told from the network's; "
                "leave it out"
            )
        if torch.equal(own, other):
            raise ValueError(
                f"{name!r} is the same in real and in colored, so no answer is right; "
                "leave it out"
            )


def _check_names(names, pictures, model):
    if isinstance(names, str) or len(names) != pictures:
        given = "one text" if isinstance(names, str) else len(names)
        raise ValueError(f"{pictures} pictures need as many names, not {given}")
    for name in (*names, model):
        if not isinstance(name, str):
            raise TypeError(f"names are texts; {name!r} is none")
        if not name.strip():
            raise ValueError("a picture or the model has an empty name")
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"names must differ; there twice: {', '.join(twice)}")


def _jpeg(picture, scale):
    """A picture as a data URI, so that no file and no request is needed."""
    photo = Image.fromarray(picture.cpu().permute(1, 2, 0).contiguous().numpy())
    if scale < 1:
        size = [max(1, round(side * scale)) for side in photo.size]
        photo = photo.resize(size, Image.Resampling.BICUBIC)
    file = BytesIO()
    photo.save(file, "JPEG", **JPEG)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _verdict(right, trials):
    """What is said after the last answer: a sentence on the score, one on guessing."""
    low, high = wilson_interval(right, trials)
    if low > 0.5:
        meaning = "All of it lies above 50 %: you do better than luck explains."
    elif high < 0.5:
        meaning = "All of it lies below 50 %: you took the one for the other."
    else:
        meaning = "50 % lies within: this may be luck."
    as_many = f"{right} or more" if right < trials else f"all {trials}"
    return [
        f"{_percent(right / trials)} right, with a 95 % interval from {_percent(low)} "
        f"to {_percent(high)}. {meaning}",
        f"Guessing gets {trials / 2:g} of {trials} on average, and {as_many} in "
        f"{_by_luck(right, trials)} of all tests.",
    ]


def _by_luck(right, trials):
    """How often a coin is right that often, or more often."""
    share = sum(math.comb(trials, k) for k in range(right, trials + 1)) / 2**trials
    return _percent(share) if share >= 0.01 else "less than 1 %"


def _percent(share):
    return f"{100 * share:.0f} %"


# ------------------------------------------------------------ in the browser

_WITHOUT_SCRIPT = (
    "Here is a test to play: is a picture real, or colored by a network? It needs "
    "JavaScript; in a notebook, run its cell, or trust the notebook."
)

# No colors but for two bars, so that it is legible on any background, and no motion.
_STYLE = """
.turing-test {
  display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.75rem 1rem;
  align-items: start; justify-items: start; max-width: 40rem; box-sizing: border-box;
  padding: 1rem; border: 1px solid; border-radius: 0.5rem; line-height: 1.5;
}
.turing-test > * { grid-column: 1 / -1; }
.turing-test > .shown { grid-column: 1; }
.turing-test > .other { grid-column: 2; }
.turing-test p, .turing-test figure { margin: 0; padding: 0; }
.turing-test .question { font-weight: bold; }
.turing-test figure { max-width: 100%; }
.turing-test figcaption {
  margin: 0.25rem 0 0; padding: 0; min-height: 1.5em;
  font: inherit; color: inherit; text-align: left;
}
.turing-test .answers { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.turing-test .told { min-height: 3em; padding-left: 0.75rem; border-left: 4px solid transparent; }
.turing-test[data-state=over] .told { padding-left: 0; border: none; }
.turing-test[data-state=over] .told p + p { margin-top: 0.5rem; }
.turing-test .told[data-right=true] { border-color: #009e73; }
.turing-test .told[data-right=false] { border-color: #d55e00; }
.turing-test button {
  min-height: 44px; padding: 0.5rem 1.25rem; font: inherit; color: inherit; cursor: pointer;
  background: transparent; border: 2px solid; border-radius: 0.4rem;
}
.turing-test button:disabled { opacity: 0.5; cursor: default; }
.turing-test button:hover:enabled { text-decoration: underline; }
.turing-test :focus-visible { outline: 3px solid; outline-offset: 3px; }
.turing-test kbd { all: unset; margin-left: 0.5em; opacity: 0.7; }
.turing-test[data-state=asking] .other { display: none; }
.turing-test[data-state=asking] .next { visibility: hidden; }
.turing-test[data-state=over] :is(figure, .answers) { display: none; }
@media (hover: none) { .turing-test kbd { display: none; } }
@media (max-width: 560px) { .turing-test > .other { grid-column: 1; order: 1; } }
/* Jupyter Book puts HTML on a pale ground in its dark mode, and pads and dims pictures. */
html[data-theme=dark] .bd-content div.cell_output .output.text_html:has(> .turing-test) {
  padding: 0; color: inherit; background: none;
}
.turing-test img {
  display: block; max-width: 100%; height: auto;
  padding: 0 !important; border-radius: 0 !important; filter: none !important;
}
"""

_SCRIPT = """
(digest, test) => {
  const count = test.pictures.length;
  const markup = `
    <p class="question" tabindex="-1"></p>
    <figure class="shown"><img><figcaption></figcaption></figure>
    <figure class="other"><img><figcaption></figcaption></figure>
    <div class="answers">
      <button type="button" aria-keyshortcuts="R">Real<kbd aria-hidden="true">R</kbd></button>
      <button type="button" aria-keyshortcuts="C">Colored<kbd aria-hidden="true">C</kbd></button>
    </div>
    <div class="told" role="status"></div>
    <button type="button" class="next"></button>`;

  const shuffled = (items) => {
    const order = [...items];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };

  const origin = (kind) => (kind === "real" ? "real" : `colored by ${test.model}`);

  const play = (root) => {
    root.innerHTML = markup;
    const [question, shown, other, answers, told, next] = root.children;
    const [real, colored] = answers.children;
    let trials, turn;

    const right = (some) => some.filter((trial) => trial.said === trial.kind).length;
    const score = () => {
      const answered = trials.filter((trial) => trial.said);
      return `${right(answered)} of ${answered.length} right so far.`;
    };

    const enter = (state, title, sentences, button) => {
      root.dataset.state = state;
      real.disabled = colored.disabled = state !== "asking";
      question.textContent = title;
      told.replaceChildren(...sentences.map((sentence) => {
        const paragraph = document.createElement("p");
        paragraph.textContent = sentence;
        return paragraph;
      }));
      next.textContent = button;
    };

    const show = (figure, src, alt, caption) => {
      const [width, height] = test.size;
      figure.style.width = `${width}px`;  // a long caption is broken, not made room for
      Object.assign(figure.querySelector("img"), { width, height, alt, src });
      figure.querySelector("figcaption").textContent = caption;
    };

    const start = () => {
      turn = 0;
      trials = shuffled(test.pictures).map((picture) => {
        const [kind, rest] = Math.random() < 0.5 ? ["real", "colored"] : ["colored", "real"];
        return { picture, kind, rest, said: null };
      });
      ask();
    };

    const ask = () => {
      const { picture, kind } = trials[turn];
      delete told.dataset.right;
      show(shown, picture[kind], `Photograph ${turn + 1} of ${count}`, "");
      enter("asking", `Picture ${turn + 1} of ${count}: real or colored?`, turn ? [score()] : [
        "Real: as it was photographed.",
        `Colored: what ${test.model} made of the same photograph in gray.`,
      ], "Next picture");
    };

    const answer = (said) => {
      if (root.dataset.state !== "asking") return;
      const trial = trials[turn];
      const { picture, kind, rest } = trial;
      trial.said = said;
      told.dataset.right = said === kind;
      for (const [figure, version] of [[shown, kind], [other, rest]])
        show(figure, picture[version], `${picture.name}, ${origin(version)}`, origin(version));
      enter("told", question.textContent, [
        `${said === kind ? "✓ Right" : "✗ Wrong"}: it is ${origin(kind)}. ${picture.name}.`,
        score(),
      ], turn + 1 < count ? "Next picture" : "Your score");
      next.focus();
    };

    const finish = () => {
      const parts = ["real", "colored"].map((kind) => {
        const some = trials.filter((trial) => trial.kind === kind);
        return `${right(some)} of the ${some.length} ${kind} ones`;
      });
      delete told.dataset.right;
      enter("over", `Your score: ${right(trials)} of ${count}`, [
        ...test.verdicts[right(trials)],
        `You knew ${parts.join(" and ")}.`,
        "You have seen these pictures now: another score on them says less.",
      ], "Play again");
    };

    real.addEventListener("click", () => answer("real"));
    colored.addEventListener("click", () => answer("colored"));
    next.addEventListener("click", () => {
      if (root.dataset.state === "over") start();
      else if (++turn < count) ask();
      else finish();
      question.focus();
    });
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation();  // to Jupyter, "r" and "c" are commands on the cell
      // A key held down a little too long would press the next button, too.
      if (event.repeat && event.key === "Enter") event.preventDefault();
      const said = { r: "real", c: "colored" }[event.key.toLowerCase()];
      if (said) answer(said);
    });
    start();
  };

  // Two cells may show the same test: each script takes what none has taken yet.
  const waiting = `[data-turing-test="${digest}"]:not([data-state])`;
  document.querySelectorAll(waiting).forEach(play);
}
"""
