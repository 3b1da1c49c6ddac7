// The elements of a viewer, and how they show its state.
import { say, WINDOWS } from "./words.js";

const BARS_MM = [200, 100, 50, 20, 10];

let viewers = 0;

/** A number with a true minus sign. */
export const minus = (number) => String(number).replace("-", "\u2212");

/** An element with attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const part = (name, ...children) => make("div", { class: `mv-${name}` }, ...children);

export function build(about, poster) {
  const id = `mosmed-viewer-${++viewers}`;
  const inputs = makeInputs(id, about);
  const buttons = makeButtons();
  const canvas = make("canvas", { "aria-hidden": "true" });
  const over = Object.fromEntries(
    ["first", "second", "shown", "synthetic", "bar", "probe", "hint"].map((name) => [name, part(name)]),
  );
  if (about.synthetic) over.synthetic.textContent = say("synthetic");
  over.hint.textContent = say("click");
  const message = make("div", { class: "mv-message", role: "status" });
  const still = poster.cloneNode();
  still.removeAttribute("style");
  still.classList.add("mv-poster");
  const stage = make(
    "div",
    { class: "mv-stage", tabindex: 0, role: "application", "aria-label": say("stage", about), "aria-describedby": `${id}-keys` },
    canvas,
    still,
    ...Object.values(over),
    message,
  );
  stage.style.setProperty("--mv-aspect", about.aspect);
  const readout = make("output", { class: "mv-read" }, say("hu_empty"));
  const fieldset = make(
    "fieldset",
    { class: "mv-controls", disabled: "" },
    row("slice", labelFor(inputs.slice, say("slice")), inputs.slice, inputs.sliceText),
    row("plane", say("plane"), make("div", { class: "mv-choice", role: "radiogroup", "aria-label": say("plane") }, ...inputs.planes.map((input) => labelled(input)))),
    row("window", say("window"), make("div", { class: "mv-choice", role: "group", "aria-label": say("window") }, ...Object.values(buttons.windows))),
    ...["level", "width"].map((key) => row(key, labelFor(inputs[key][0], say(key)), ...inputs[key])),
    ...(inputs.mask ? [row("mask", labelFor(inputs.mask, say("mask")), inputs.mask, inputs.maskText)] : []),
    row("more", buttons.reset, ...(buttons.full ? [buttons.full] : [])),
  );
  const root = make(
    "section",
    { class: "mv", "aria-label": say("title", about), "aria-busy": "true" },
    make("div", { class: "mv-main" }, stage, readout),
    fieldset,
    help(id, Boolean(about.mask)),
  );
  return { root, stage, canvas, message, inputs, buttons, ...acts({ root, stage, still, message, over, readout, fieldset, inputs, buttons }) };
}

function makeInputs(id, about) {
  const range = (name, min, max, step = 1) => make("input", { type: "range", id: `${id}-${name}`, min, max, step });
  const pair = (name, min, max) => [
    range(name, min, max, 10),
    make("input", { type: "number", "aria-label": say(name), min, max, step: 10, inputmode: "numeric" }),
  ];
  return {
    planes: ["axial", "coronal", "sagittal"].map((plane) =>
      make("input", { type: "radio", name: `${id}-plane`, id: `${id}-${plane}`, value: plane }),
    ),
    slice: range("slice", 0, 0),
    sliceText: make("span", { class: "mv-value" }),
    level: pair("level", -1000, 1000),
    width: pair("width", 10, 3000),
    mask: about.mask ? range("mask", 0, 100, 5) : null,
    maskText: make("span", { class: "mv-value" }),
  };
}

function makeButtons() {
  const button = (text) => make("button", { type: "button" }, text);
  const windows = Object.keys(WINDOWS).map((name) => [name, button(say(name))]);
  return {
    windows: Object.fromEntries(windows),
    reset: button(say("reset")),
    full: document.fullscreenEnabled ? button(say("full")) : null,
  };
}

const row = (name, ...children) => make("div", { class: `mv-row mv-row-${name}` }, ...children.map(legend));
const legend = (child, n) => (n === 0 && typeof child === "string" ? make("span", { class: "mv-name" }, child) : child);
const labelFor = (input, text) => make("label", { for: input.id, class: "mv-name" }, text);
const labelled = (input) => make("label", { for: input.id }, input, make("span", {}, say(input.value)));

function help(id, withMask) {
  const keys = (...names) => names.map((name) => make("kbd", {}, name));
  const line = (names, word) => make("span", { class: "mv-key" }, ...keys(...names), ` ${say(word)}`);
  const short = [
    line(["↑", "↓"], "key_slice"),
    line(["←", "→"], "key_level"),
    line(["−", "+"], "key_width"),
    line(["1", "2", "3"], "key_window"),
    ...(withMask ? [line(["M"], "key_mask")] : []),
    line(["F"], "key_full"),
  ];
  const more = [
    line(["Page ↑", "Page ↓", "Home", "End"], "more_slices"),
    ...(withMask ? [line([",", "."], "more_opacity")] : []),
    line(["A", "C", "S"], "more_plane"),
    line(["Shift + arrows"], "more_probe"),
    line(["R"], "more_reset"),
    make("span", {}, say("more_mouse")),
  ];
  return make(
    "div",
    { class: "mv-help" },
    make("p", { id: `${id}-keys` }, make("strong", {}, say("keys")), ...short),
    make("details", {}, make("summary", {}, say("key_more")), make("p", {}, ...more)),
  );
}

/** What the panel may do with the elements. */
function acts({ root, stage, still, message, over, readout, fieldset, inputs, buttons }) {
  const setText = (element, text) => element.textContent === text || (element.textContent = text);
  return {
    ready() {
      still.remove();
      message.remove();
      fieldset.disabled = false;
      root.removeAttribute("aria-busy");
    },
    show({ plane, slice, first, k, last, count, level, width, opacity, masked }) {
      const text = say("slice_of", { plane: say(plane), k, first, last });
      for (const input of inputs.planes) input.checked = input.value === plane;
      inputs.slice.max = count - 1;
      inputs.slice.value = slice;
      inputs.slice.setAttribute("aria-valuetext", text);
      setText(inputs.sliceText, `${k} / ${last}`);
      for (const [key, value] of Object.entries({ level, width })) for (const input of inputs[key]) input.value = value;
      for (const [name, button] of Object.entries(buttons.windows))
        button.setAttribute("aria-pressed", WINDOWS[name].level === level && WINDOWS[name].width === width);
      if (inputs.mask) inputs.mask.value = masked ? 100 * opacity : 0;
      setText(inputs.maskText, masked ? `${Math.round(100 * opacity)} %` : "0 %");
      setText(over.shown, `${text} · ${say("shown", { level: minus(level), width })}`);
    },
    /** Letters at both edges of the picture, and a bar of a round length. */
    mark(sides, perMm) {
      setText(over.first, say(sides[0]));
      setText(over.second, say(sides[1]));
      const mm = BARS_MM.find((length) => length * perMm < stage.clientWidth / 4) ?? BARS_MM.at(-1);
      over.bar.style.width = `${mm * perMm}px`;
      setText(over.bar, say("scale", { mm }));
    },
    read(text, at) {
      setText(readout, text);
      over.probe.hidden = !at;
      if (at) over.probe.style.translate = `${at[0]}px ${at[1]}px`;
    },
    full(isFull) {
      if (buttons.full) setText(buttons.full, say(isFull ? "leave" : "full"));
    },
    hint() {
      over.hint.classList.add("mv-seen");
      clearTimeout(this.hiding);
      this.hiding = setTimeout(() => over.hint.classList.remove("mv-seen"), 1500);
    },
  };
}
