// The viewer on the page: picture, controls, keyboard. What it shows follows from `state`; `draw` brings both together.
import { build, minus } from "./controls.js";
import { keyOf, KEYS } from "./keys.js";
import { fetchScan } from "./scan.js";
import { say, WINDOWS } from "./words.js";

const OPACITY = 0.4;
const SIDES = { axial: ["R", "L"], coronal: ["R", "L"], sagittal: ["A", "P"] };
const LIMITS = { level: [-1000, 1000], width: [10, 3000] };
const DRAG_HU = 4; // to a CSS pixel
const WHEEL_STEP = 40; // of scrolling to a slice, so that a touch pad does not fly through the scan

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Panel {
  constructor(block, about, fail) {
    this.about = about;
    this.fail = fail;
    this.ui = build(about, block.querySelector(".mosmed-view-still img"));
    block.querySelector(".mosmed-view-still").before(this.ui.root);
    this.start = { plane: "axial", level: about.level, width: about.width, opacity: OPACITY, masked: Boolean(about.mask) };
    this.state = { ...this.start, slices: {}, probe: null };
    this.stop = new AbortController();
  }

  /** Fetch and show the scan; false, after `fail` was told the reason, where that cannot be done. */
  async load() {
    try {
      await this.fetch();
      this.listen();
      this.draw();
    } catch (error) {
      this.fail(error);
      return false;
    }
    this.ui.ready();
    return true;
  }

  async fetch() {
    const { scan: url, mask: maskUrl, bytes } = this.about;
    let come = 0;
    const progress = (more) => {
      come += more;
      this.tell(say("loading", { percent: Math.min(90, 10 * Math.floor((10 * come) / bytes)) }));
    };
    this.tell(say("waiting"));
    const [{ Screen }, scan, mask] = await Promise.all([
      import("./screen.js"),
      fetchScan(url, progress),
      maskUrl ? fetchScan(maskUrl, progress) : null,
    ]);
    this.tell(say("drawing"));
    this.scan = scan;
    this.screen = new Screen(scan, mask);
    await this.screen.attach(this.ui.canvas, this.window, this.opacity);
    for (const plane of Object.keys(SIDES)) this.state.slices[plane] = Math.floor(scan.axis(plane).count / 2);
    this.state.slices.axial = this.about.slice;
    this.start.slices = { ...this.state.slices };
  }

  get window() {
    const { level, width } = this.state;
    return { low: level - width / 2, high: level + width / 2 };
  }

  /** Of the mask; 0 where it is switched off. */
  get opacity() {
    return this.state.masked ? this.state.opacity : 0;
  }

  get slice() {
    return this.state.slices[this.state.plane];
  }

  tell(text) {
    this.ui.message.textContent = text;
  }

  /** Change some of the state and draw it, once a frame however often it changes. */
  set(change) {
    Object.assign(this.state, change);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  setSlice(k) {
    const { plane, slices } = this.state;
    this.set({ slices: { ...slices, [plane]: clamp(k, 0, this.scan.axis(plane).count - 1) } });
  }

  setLook(change) {
    for (const [key, [low, high]] of Object.entries(LIMITS))
      if (key in change) change[key] = clamp(Math.round(change[key]), low, high);
    this.set(change);
  }

  /** Towards head, front or right by so many slices. */
  step(by) {
    this.setSlice(this.slice + (this.scan.axis(this.state.plane).grows ? by : -by));
  }

  reset() {
    this.set({ ...this.start, slices: { ...this.start.slices }, probe: null });
  }

  draw() {
    const { plane } = this.state;
    if (this.screen.plane !== plane) this.screen.setPlane(plane);
    this.screen.setSlice(this.slice);
    this.screen.setLook(this.window, this.opacity);
    this.ui.show({ ...this.state, slice: this.slice, ...this.numbers() });
    this.ui.mark(SIDES[plane], this.screen.perMm());
    this.read();
  }

  /** The file's own numbers of the slice that is shown, of the first and of the last one, and how many there are here. */
  numbers() {
    const { axis, count } = this.scan.axis(this.state.plane);
    const { origin, step } = this.about;
    const [first, k, last] = [0, this.slice, count - 1].map((n) => origin[axis] + step[axis] * n);
    return { first, k, last, count };
  }

  /** Say the HU under the pointer, or else at the point that the keyboard moves. */
  read() {
    const place = this.hover ?? this.state.probe;
    const voxel = place && this.scan.voxelAt(place);
    if (!voxel) return this.ui.read(say(place ? "outside" : "hu_empty"), null);
    voxel[this.scan.axis(this.state.plane).axis] = this.slice;
    const { origin, step } = this.about;
    const [i, j, k] = voxel.map((value, n) => origin[n] + step[n] * value);
    const said = `${say("hu", { hu: minus(this.scan.value(voxel)) })} ${say("at", { i, j, k })}`;
    this.ui.read(said, this.hover ? null : this.screen.pointOf(this.scan.place(voxel)));
  }

  /** Move the point that is read by keyboard, by pixels to the viewer's right and down. */
  moveProbe(right, down) {
    const { width, height } = this.ui.canvas.getBoundingClientRect();
    const at = (this.state.probe && this.screen.pointOf(this.inSlice(this.state.probe))) ?? [width / 2, height / 2];
    const pixel = this.screen.perMm() * this.pixelMm();
    const moved = this.screen.placeAt(at[0] + right * pixel, at[1] + down * pixel);
    this.hover = null;
    if (moved) this.set({ probe: this.inSlice(moved) });
  }

  /** The middle of the voxel that is shown over a place in mm. */
  inSlice(place) {
    const voxel = this.scan.voxelAt(place);
    if (!voxel) return place;
    voxel[this.scan.axis(this.state.plane).axis] = this.slice;
    return this.scan.place(voxel);
  }

  pixelMm() {
    const columns = [0, 1, 2].map((n) => Math.hypot(...this.scan.affine.map((row) => row[n])));
    return Math.min(...columns);
  }

  listen() {
    const { root, stage, inputs, buttons } = this.ui;
    const on = (target, type, act, options) =>
      target.addEventListener(type, act, { signal: this.stop.signal, ...options });
    on(inputs.slice, "input", () => this.setSlice(inputs.slice.valueAsNumber));
    for (const key of ["level", "width"])
      for (const input of inputs[key])
        on(input, input.type === "range" ? "input" : "change", () => {
          if (Number.isFinite(input.valueAsNumber)) this.setLook({ [key]: input.valueAsNumber });
          else this.draw();
        });
    if (inputs.mask)
      on(inputs.mask, "input", () => this.set({ opacity: inputs.mask.valueAsNumber / 100, masked: true }));
    for (const input of inputs.planes) on(input, "change", () => this.set({ plane: input.value, probe: null }));
    for (const [name, button] of Object.entries(buttons.windows)) on(button, "click", () => this.setLook({ ...WINDOWS[name] }));
    on(buttons.reset, "click", () => this.reset());
    if (buttons.full) on(buttons.full, "click", () => this.toggleFull());
    on(document, "fullscreenchange", () => this.ui.full(document.fullscreenElement === root));
    on(root, "keydown", (event) => this.press(event));
    on(stage, "wheel", (event) => this.turn(event), { passive: false });
    on(stage, "pointermove", (event) => this.point(event));
    on(stage, "pointerdown", (event) => this.grab(event));
    on(stage, "pointerleave", () => {
      this.hover = null;
      this.read();
    });
    on(this.ui.canvas, "webglcontextlost", () => this.fail(new Error(say("lost"))));
    this.sizes = new ResizeObserver(() => {
      this.screen.resize();
      this.ui.mark(SIDES[this.state.plane], this.screen.perMm());
    });
    this.sizes.observe(stage);
  }

  press(event) {
    const act = KEYS[keyOf(event)];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    const { type } = event.target;
    if (type === "number" || (["range", "radio"].includes(type) && /Arrow|Page|Home|End/.test(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    act(this);
  }

  /** The wheel belongs to the page until somebody has clicked the picture. */
  turn(event) {
    if (event.ctrlKey) return;
    if (!this.ui.stage.contains(document.activeElement) && !document.fullscreenElement) return this.ui.hint();
    event.preventDefault();
    this.turned = (this.turned ?? 0) + event.deltaY * (event.deltaMode ? WHEEL_STEP : 1);
    const whole = Math.trunc(this.turned / WHEEL_STEP);
    if (!whole) return;
    this.turned -= whole * WHEEL_STEP;
    this.step(-whole);
  }

  point(event) {
    if (this.grabbed) {
      const { x, y, level, width } = this.grabbed;
      this.setLook({ level: level + (event.clientY - y) * DRAG_HU, width: width + (event.clientX - x) * DRAG_HU });
      return;
    }
    const box = this.ui.canvas.getBoundingClientRect();
    this.hover = this.screen.placeAt(event.clientX - box.left, event.clientY - box.top);
    this.read();
  }

  grab(event) {
    if (event.pointerType !== "mouse") return this.point(event);
    if (event.button) return;
    this.grabbed = { x: event.clientX, y: event.clientY, level: this.state.level, width: this.state.width };
    this.ui.stage.setPointerCapture(event.pointerId);
    this.ui.stage.addEventListener("lostpointercapture", () => (this.grabbed = null), { once: true });
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.ui.root.requestFullscreen?.();
  }

  remove() {
    this.stop.abort();
    this.sizes?.disconnect();
    this.screen?.close();
    this.ui.root.remove();
  }
}
