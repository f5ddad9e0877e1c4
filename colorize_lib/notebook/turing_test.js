// The Turing test in the browser. What it is given: turing_test in widgets.py.

const MARKUP = `
  <p class="question" tabindex="-1"></p>
  <figure class="shown"><img><figcaption></figcaption></figure>
  <figure class="other"><img><figcaption></figcaption></figure>
  <div class="answers">
    <button type="button" aria-keyshortcuts="R">Real<kbd aria-hidden="true">R</kbd></button>
    <button type="button" aria-keyshortcuts="C">Colored<kbd aria-hidden="true">C</kbd></button>
  </div>
  <div class="told" role="status"></div>
  <button type="button" class="next"></button>`;

/** Fisher and Yates: each order as likely as any other. */
const shuffled = (items) => {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
};

const trialOf = (picture) => {
  const isReal = Math.random() < 0.5;
  const [kind, rest] = isReal ? ["real", "colored"] : ["colored", "real"];
  return { picture, kind, rest, said: null };
};

const rightOf = (trials) => trials.filter((trial) => trial.said === trial.kind).length;

const paragraph = (sentence) => {
  const p = document.createElement("p");
  p.textContent = sentence;
  return p;
};

class TuringTest {
  constructor(root, given) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.given = given;
    this.count = given.pictures.length;
    [this.question, this.shown, this.other, this.answers, this.told, this.next] =
      root.children;
    this.listen();
  }

  // -------------------------------------------------------------- one run

  start() {
    this.turn = 0;
    this.trials = shuffled(this.given.pictures).map(trialOf);
    this.ask();
  }

  ask() {
    const { turn, count } = this;
    const { picture, kind } = this.trials[turn];
    const rules = [
      "Real: as it was photographed.",
      `Colored: what ${this.given.model} made of the same photograph in gray.`,
    ];
    delete this.told.dataset.right;
    // Neither the text nor an attribute tells which of the two it is.
    this.show(this.shown, picture[kind], `Photograph ${turn + 1} of ${count}`, "");
    this.enter(
      "asking",
      `Picture ${turn + 1} of ${count}: real or colored?`,
      turn ? [this.score()] : rules,
      "Next picture",
    );
  }

  answer(said) {
    if (this.root.dataset.state !== "asking") return;
    const trial = this.trials[this.turn];
    const { picture, kind, rest } = trial;
    const isRight = said === kind;
    trial.said = said;
    this.told.dataset.right = isRight;
    this.reveal(this.shown, picture, kind);
    this.reveal(this.other, picture, rest);
    const verdict = isRight ? "\u2713 Right" : "\u2717 Wrong";
    this.enter(
      "told",
      this.question.textContent,
      [`${verdict}: it is ${this.origin(kind)}. ${picture.name}.`, this.score()],
      this.turn + 1 < this.count ? "Next picture" : "Your score",
    );
    this.next.focus();
  }

  finish() {
    const right = rightOf(this.trials);
    const parts = ["real", "colored"].map((kind) => {
      const some = this.trials.filter((trial) => trial.kind === kind);
      return `${rightOf(some)} of the ${some.length} ${kind} ones`;
    });
    delete this.told.dataset.right;
    this.enter(
      "over",
      `Your score: ${right} of ${this.count}`,
      [
        ...this.given.verdicts[right],
        `You knew ${parts.join(" and ")}.`,
        "You have seen these pictures now: another score on them says less.",
      ],
      "Play again",
    );
  }

  goOn() {
    if (this.root.dataset.state === "over") {
      this.start();
    } else if (++this.turn < this.count) {
      this.ask();
    } else {
      this.finish();
    }
    this.question.focus();
  }

  // -------------------------------------------------------------- what is shown

  origin(kind) {
    return kind === "real" ? "real" : `colored by ${this.given.model}`;
  }

  score() {
    const answered = this.trials.filter((trial) => trial.said);
    return `${rightOf(answered)} of ${answered.length} right so far.`;
  }

  /** @param {"asking" | "told" | "over"} state turing_test.css hides what it has no use for. */
  enter(state, title, sentences, next) {
    this.root.dataset.state = state;
    for (const button of this.answers.children) button.disabled = state !== "asking";
    this.question.textContent = title;
    this.told.replaceChildren(...sentences.map(paragraph));
    this.next.textContent = next;
  }

  reveal(figure, picture, kind) {
    const origin = this.origin(kind);
    this.show(figure, picture[kind], `${picture.name}, ${origin}`, origin);
  }

  show(figure, src, alt, caption) {
    const [width, height] = this.given.size;
    figure.style.width = `${width}px`; // a long caption is broken, not made room for
    Object.assign(figure.querySelector("img"), { width, height, alt, src });
    figure.querySelector("figcaption").textContent = caption;
  }

  // -------------------------------------------------------------- who plays

  listen() {
    const [real, colored] = this.answers.children;
    real.addEventListener("click", () => this.answer("real"));
    colored.addEventListener("click", () => this.answer("colored"));
    this.next.addEventListener("click", () => this.goOn());
    this.root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation(); // to Jupyter, "r" and "c" are commands on the cell
      // A key held down a little too long would press the next button, too.
      if (event.repeat && event.key === "Enter") event.preventDefault();
      const said = { r: "real", c: "colored" }[event.key.toLowerCase()];
      if (said) this.answer(said);
    });
  }
}

export const start = (root, given) => new TuringTest(root, given).start();
