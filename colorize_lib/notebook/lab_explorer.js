// The Lab explorer in the browser. What it is given: lab_explorer in widgets.py.

import { labColor } from "./lab_color.js";

const EDGE_POINTS = 720; // of the gamut's edge, drawn over the slice: one each half degree
const SLIDER_STOPS = 100; // of the colors along a slider
const REST = 900; // milliseconds without a change before the color is read aloud

// ---------------------------------------------------------------- markup

const slider = (letter, name, low, high, ends) => `
  <div class="lx-slider">
    <label><span class="lx-letter">${letter}</span>
      <span class="lx-rail"><span class="lx-track"></span>
        <input type="range" min="${low}" max="${high}" step="1"
          aria-label="${letter}, ${name}"></span></label>
    <input type="number" min="${low}" max="${high}" step="any"
      inputmode="${low < 0 ? "text" : "decimal"}" aria-label="${letter} as a number">
    <div class="lx-ends">${ends.map((end) => `<span>${end}</span>`).join("")}</div>
  </div>`;

const stage = (kind, inside) => `
  <div class="lx-stage lx-${kind}" tabindex="0" role="slider"
    aria-roledescription="slider in two directions"><canvas></canvas>${inside}</div>`;

const ARMS = 'd="M22 2V15M22 29V42M2 22H15M29 22H42"';
const CROSS = `<span class="lx-grip">
  <svg class="lx-cross" viewBox="0 0 44 44" aria-hidden="true">
    <path ${ARMS} stroke="#000" stroke-width="5"/>
    <path ${ARMS} stroke="#fff" stroke-width="2"/></svg></span>`;

const linesAndGrips = (reach) => `
  <svg class="lx-lines" aria-hidden="true" viewBox="${-reach} ${-reach} ${2 * reach} ${2 * reach}">
    <path class="lx-axes" d="M-999 0H999M0-999V999"/>
    <path class="lx-edge"/><path class="lx-way"/></svg>
  <span class="lx-grip lx-found"></span><span class="lx-grip"></span>`;

const markup = (reach) => `
  <div class="lx-buttons" role="group" aria-label="Colors to start from"></div>
  <div class="lx-pair">
    <figure>${stage("photo", CROSS)}<figcaption></figcaption></figure>
    <div>
      <div class="lx-patches">
        <div class="lx-patch"></div><div class="lx-patch"></div>
        <p class="lx-under"><b></b><span></span><span></span></p>
        <p class="lx-under"><b>its gray</b><span></span><span></span></p>
      </div>
      <p class="lx-said"></p>
      ${slider("L", "lightness", 0, 100, ["black", "", "white"])}
      ${slider("a", "from greenish to reddish", -reach, reach, ["greenish", "0", "reddish"])}
      ${slider("b", "from bluish to yellowish", -reach, reach, ["bluish", "0", "yellowish"])}
    </div>
  </div>
  <div class="lx-pair">
    <figure>
      <div class="lx-framed">
        <span class="lx-up">b: yellowish</span><span class="lx-left">greenish</span>
        ${stage("slice", linesAndGrips(reach))}
        <span class="lx-right">a: reddish</span><span class="lx-down">bluish</span>
      </div>
      <figcaption></figcaption>
    </figure>
    <div><dl></dl><p class="lx-help"></p></div>
  </div>
  <p class="lx-aloud" role="status"></p>`;

// ---------------------------------------------------------------- numbers as text

/** With a true minus sign, and none before a zero. */
const text = (x, digits = 1) =>
  x
    .toFixed(digits)
    .replace(/^-(?=[0.]*$)/, "")
    .replace("-", "\u2212");
const limited = (x, low, high) => Math.min(high, Math.max(low, x));
const codesOf = (rgb) => rgb.map((code) => Math.round(255 * limited(code, 0, 1)));
const css = (codes) => `rgb(${codes})`;
const hex = (codes) => `#${codes.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
const named = (codes, digits = 0) =>
  codes.map((code, i) => `${"RGB"[i]}\u00a0${text(code, digits)}`).join(", ");
const chroma = ([, a, b]) => Math.hypot(a, b);

/** Codes beyond 0..255. Just outside, one of -0.3 is not to be told as 0. */
const needed = (rgb) => {
  const near = rgb.every((code) => code > -0.5 / 255 && code < 255.5 / 255);
  return named(
    rgb.map((code) => 255 * code),
    near ? 1 : 0,
  );
};

const element = (tag, properties) =>
  Object.assign(document.createElement(tag), properties);
const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;

const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// ---------------------------------------------------------------- the explorer

class LabExplorer {
  constructor(root, given) {
    const all = (selector) => [...root.querySelectorAll(selector)];
    this.root = root;
    this.given = given;
    this.color = labColor(given.constants);
    this.reach = given.constants.abScale; // how far the sliders of a and b go
    root.innerHTML = markup(this.reach);
    [this.photo, this.slice] = all(".lx-stage");
    [this.patch, this.grayPatch] = all(".lx-patch");
    [this.heading, this.codes, this.hex, , this.grayCodes, this.grayHex] =
      all(".lx-under > *");
    [this.caption, this.sliceCaption] = all("figcaption");
    this.ranges = all("[type=range]");
    this.numbers = all("[type=number]");
    this.tracks = all(".lx-track");

    this.pixels = null; // once the photograph is decoded
    this.painted = null; // the lightness that the slice shows
    this.due = false; // what is shown will be drawn anew
    this.dragged = null; // a stage
    this.timer = null;
  }

  start() {
    this.followStages();
    this.followInputs();
    this.addButtons();
    this.describeStages();
    this.decodePhoto();
    const { codes, at } = this.given.start;
    this.setCodes(codes, at);
    this.show();
    clearTimeout(this.timer); // nothing has moved yet: nothing to tell
    this.root.dataset.state = "begun";
  }

  // -------------------------------------------------------------- what happens

  /** Take a color; `pixel` where it is that of a pixel. */
  set(lab, pixel = null) {
    this.lab = lab.map((x, i) => limited(x, i ? -this.reach : 0, i ? this.reach : 100));
    this.picked = pixel !== null;
    if (this.picked) this.at = pixel;
    if (!this.due) requestAnimationFrame(() => this.show()); // several moves, one picture
    this.due = true;
    this.speakLater();
  }

  setCodes(codes, pixel) {
    this.set(this.color.rgbToLab(codes.map((code) => code / 255)), pixel);
  }

  pick(x, y) {
    if (!this.pixels) return;
    const [width, height] = this.given.size;
    const [column, row] = [limited(x, 0, width - 1), limited(y, 0, height - 1)];
    const first = 4 * (row * width + column);
    this.setCodes([...this.pixels.subarray(first, first + 3)], [column, row]);
  }

  /** Take whole a and b, at this lightness. */
  setWhole(a, b) {
    this.set([this.lab[0], Math.round(a), Math.round(b)]);
  }

  // -------------------------------------------------------------- what is shown

  show() {
    this.due = false;
    const outside = this.color.outOfGamut(this.lab);
    const shown = outside ? this.color.reduceChroma(this.lab) : this.lab;
    this.root.dataset.gamut = outside ? "outside" : "inside";
    this.showPatches(outside, shown);
    this.showSliders(outside);
    this.showSlice(outside, shown);
    this.showPhoto();
    this.showNumbers(outside, shown);
  }

  showPatches(outside, shown) {
    const own = codesOf(this.color.labToRgb(shown));
    const gray = Array(3).fill(codesOf([this.color.grayCode(this.lab[0])])[0]);
    this.root.style.setProperty("--filling", css(own));
    this.patch.style.background = css(own);
    this.grayPatch.style.background = css(gray);
    this.heading.textContent = outside ? "less chroma" : "this color";
    this.codes.textContent = named(own);
    this.hex.textContent = hex(own);
    this.grayCodes.textContent = named(gray);
    this.grayHex.textContent = hex(gray);
    this.root.querySelector(".lx-said").textContent = outside
      ? this.wayBack(shown)
      : "\u2713 In the gamut: sRGB has this color. Move a or b, and its gray stays.";
  }

  wayBack(shown) {
    const share = text((100 * chroma(shown)) / chroma(this.lab), 0);
    const codes = needed(this.color.labToRgb(this.lab));
    return (
      `\u2717 Outside the gamut: it would take ${codes}. ` +
      `Shown: same L and hue, ${share}\u00a0% of the chroma.`
    );
  }

  showSliders(outside) {
    const sides = [
      ["", ""],
      ["greenish", "reddish"],
      ["bluish", "yellowish"],
    ];
    this.lab.forEach((value, i) => {
      const side = i && Math.abs(value) >= 0.05 ? `, ${sides[i][+(value > 0)]}` : "";
      const said = `${text(value)}${side}${outside ? ", outside the gamut" : ""}`;
      this.ranges[i].value = value;
      this.ranges[i].setAttribute("aria-valuetext", said);
      // What is being typed stays as it is typed.
      if (this.numbers[i] !== document.activeElement) {
        this.numbers[i].value = +value.toFixed(1);
      }
      this.tracks[i].style.setProperty("--paint", this.paintOf(i));
    });
  }

  /** The colors along a slider as a CSS gradient; none where there are none. */
  paintOf(i) {
    const [low, high] = [+this.ranges[i].min, +this.ranges[i].max];
    const stops = [];
    let last = null;
    for (let step = 0; step <= SLIDER_STOPS; step++) {
      const share = step / SLIDER_STOPS;
      const lab = this.lab.with(i, low + share * (high - low));
      const paint = this.color.outOfGamut(lab)
        ? "transparent"
        : css(codesOf(this.color.labToRgb(lab)));
      // The thumb's middle stays 12 px from either end.
      const place = `calc(12px + ${share} * (100% - 24px))`;
      // A sharp edge, where a gradient would mix a color with nothing.
      if (last && (last === "transparent") !== (paint === "transparent")) {
        stops.push(`${last} ${place}`);
      }
      stops.push(`${paint} ${place}`);
      last = paint;
    }
    return `linear-gradient(90deg, ${stops})`;
  }

  showSlice(outside, shown) {
    const [L, a, b] = this.lab;
    const put = (grip, [, a, b]) => {
      grip.style.left = `${50 + (50 * a) / this.reach}%`;
      grip.style.top = `${50 - (50 * b) / this.reach}%`;
    };
    put(this.slice.lastElementChild, this.lab);
    put(this.slice.querySelector(".lx-found"), shown);
    const way = outside ? `M0 0L${a} ${-b}` : "";
    this.slice.querySelector(".lx-way").setAttribute("d", way);
    const said = `a ${text(a)}, b ${text(b)}${outside ? ", outside the gamut" : ""}`;
    this.slice.setAttribute("aria-valuetext", said);
    this.slice.setAttribute("aria-valuenow", Math.round(a));
    this.sliceCaption.textContent =
      `Every color of L = ${text(L).replace(/\.0$/, "")} that sRGB has. ` +
      "Where it is hatched, there is none.";
    if (this.painted !== L) this.paintSlice(L);
  }

  paintSlice(L) {
    const dots = 4 * this.reach + 1; // two a unit
    const canvas = this.slice.querySelector("canvas");
    canvas.width = canvas.height = dots;
    const image = new ImageData(this.color.gamutSlice(L, this.reach, dots), dots, dots);
    canvas.getContext("2d").putImageData(image, 0, 0);
    const edge = Array.from({ length: EDGE_POINTS }, (_, i) => {
      const angle = (2 * Math.PI * i) / EDGE_POINTS;
      const far = [
        L,
        ...[Math.cos(angle), Math.sin(angle)].map((x) => 2 * this.reach * x),
      ];
      const [, a, b] = this.color.reduceChroma(far, 1e-3, 12);
      return `${a.toFixed(1)} ${(-b).toFixed(1)}`;
    });
    this.slice.querySelector(".lx-edge").setAttribute("d", `M${edge.join("L")}Z`);
    this.painted = L;
  }

  showPhoto() {
    const { photo, picked } = this;
    const [column, row] = this.at;
    const [width, height] = this.given.size;
    const grip = photo.lastElementChild;
    grip.style.left = `${(100 * (column + 0.5)) / width}%`;
    grip.style.top = `${(100 * (row + 0.5)) / height}%`;
    photo.dataset.left = !picked;
    photo.setAttribute("aria-valuenow", column);
    const of = picked ? this.codes.textContent : "no longer the color shown";
    photo.setAttribute("aria-valuetext", `row ${row}, column ${column}, ${of}`);
    const where = picked
      ? `Row ${row}, column ${column}.`
      : "The color is no longer that of the pixel.";
    this.caption.textContent = `${this.given.name}. ${where}`;
  }

  showNumbers(outside, shown) {
    const [L, a, b] = this.lab;
    const { reach } = this;
    const less = [
      `shown with ${text(chroma(shown))}`,
      `a ${text(shown[1])}`,
      `b ${text(shown[2])}`,
    ];
    const entries = {
      "What a network is given": [`L / 50 \u2212 1 = ${text(L / 50 - 1, 3)}`],
      "What it must predict": [
        `a / ${reach} = ${text(a / reach, 3)}`,
        `b / ${reach} = ${text(b / reach, 3)}`,
      ],
      "Chroma, the distance from gray": [
        text(chroma(this.lab)),
        ...(outside ? less : []),
      ],
    };
    const lines = Object.entries(entries).map(([term, values]) => {
      const line = document.createElement("div");
      const unbroken = values
        .map((value) => value.replaceAll(" ", "\u00a0"))
        .join(", ");
      line.append(
        element("dt", { textContent: term }),
        element("dd", { textContent: unbroken }),
      );
      return line;
    });
    this.root.querySelector("dl").replaceChildren(...lines);
  }

  // -------------------------------------------------------------- what is heard

  /** What is seen, in a sentence, once the color has come to rest. */
  speakLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => (this.dragged ? this.speakLater() : this.speak()),
      REST,
    );
  }

  speak() {
    const [L, a, b] = this.lab.map((x) => text(x));
    const where = this.color.outOfGamut(this.lab)
      ? "Outside the gamut, shown as"
      : "In the gamut,";
    this.root.querySelector(".lx-aloud").textContent =
      `L ${L}, a ${a}, b ${b}. ${where} ${this.codes.textContent}.`;
  }

  // -------------------------------------------------------------- who moves it

  followStages() {
    const { reach } = this;
    const [width, height] = this.given.size;
    this.follow(
      this.photo,
      (x, y) => this.pick(Math.floor(x * width), Math.floor(y * height)),
      (x, y) => this.pick(this.at[0] + x, this.at[1] + y),
    );
    this.follow(
      this.slice,
      (x, y) => this.setWhole(reach * (2 * x - 1), reach * (1 - 2 * y)),
      (x, y) => this.setWhole(Math.round(this.lab[1]) + x, Math.round(this.lab[2]) - y),
    );
    this.root.addEventListener("keydown", (event) => {
      // To Jupyter, letters and arrows are commands on the cell. (JupyterLab looks at them
      // before they come here, but not where data-lm-suppress-shortcuts stands.)
      if (!hasModifier(event)) event.stopPropagation();
    });
  }

  /** Call `go(x, y)`, in 0..1, for pointers, and `step(x, y)` for arrow keys. */
  follow(stage, go, step) {
    const to = ({ clientX, clientY }) => {
      const box = stage.querySelector("canvas").getBoundingClientRect();
      go((clientX - box.left) / box.width, (clientY - box.top) / box.height);
    };
    this.drag(stage, to);
    // Without detail no place was clicked: a screen reader's "activate".
    stage.addEventListener("click", (event) => event.detail && to(event));
    stage.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way || hasModifier(event)) return;
      event.preventDefault();
      step(...way.map((x) => (event.shiftKey ? 10 : 1) * x));
    });
  }

  drag(stage, to) {
    stage.addEventListener("pointerdown", (event) => {
      // A finger beside the grip may be about to scroll; a tap comes as a click.
      const scrolls =
        event.pointerType === "touch" && !event.target.closest(".lx-grip");
      if (event.button || scrolls) return;
      this.dragged = stage;
      stage.setPointerCapture(event.pointerId);
      to(event);
    });
    stage.addEventListener(
      "pointermove",
      (event) => this.dragged === stage && to(event),
    );
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, () => {
        this.dragged = null;
      });
    }
  }

  followInputs() {
    for (const inputs of [this.ranges, this.numbers]) {
      inputs.forEach((input, i) => {
        input.addEventListener("input", () => {
          const value = input.valueAsNumber; // of "-", not a number
          if (!Number.isNaN(value)) this.set(this.lab.with(i, value));
        });
      });
    }
    this.numbers.forEach((input, i) => {
      input.addEventListener("change", () => {
        input.value = +this.lab[i].toFixed(1);
      });
    });
  }

  addButtons() {
    const { labToRgb, reduceChroma } = this.color;
    for (const [name, { at, codes }] of this.given.spots) {
      this.addButton(name, codes, () => this.setCodes(codes, at));
    }
    for (const [name, lab] of this.given.colors) {
      this.addButton(name, codesOf(labToRgb(reduceChroma(lab))), () => this.set(lab));
    }
  }

  addButton(name, codes, go) {
    const dot = element("span", { className: "lx-dot" });
    dot.style.background = css(codes);
    const button = element("button", { type: "button" });
    button.append(dot, name);
    button.addEventListener("click", go);
    this.root.querySelector(".lx-buttons").append(button);
  }

  // -------------------------------------------------------------- and it begins

  describeStages() {
    const { name, size } = this.given;
    const describe = (stage, label, least, most) => {
      stage.setAttribute("aria-label", label);
      stage.setAttribute("aria-valuemin", least);
      stage.setAttribute("aria-valuemax", most);
    };
    const photo = `Photograph: ${name}. Arrow keys go to other pixels`;
    describe(this.photo, photo, 0, size[0] - 1);
    const slice = "Slice of the gamut. Arrow keys change a and b";
    describe(this.slice, slice, -this.reach, this.reach);
    this.root.querySelector(".lx-help").textContent =
      "Click, tap or drag in the photograph and in the slice, " +
      "or use the arrow keys there (with Shift: ten steps).";
  }

  decodePhoto() {
    const [width, height] = this.given.size;
    const canvas = this.photo.querySelector("canvas");
    this.photo.style.aspectRatio = `${width} / ${height}`;
    Object.assign(canvas, { width, height });
    const image = new Image();
    image.onload = () => {
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      this.pixels = context.getImageData(0, 0, width, height).data;
      this.root.dataset.state = "ready";
    };
    image.src = this.given.photo;
  }
}

export const start = (root, given) => new LabExplorer(root, given).start();
