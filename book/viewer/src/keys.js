// What each key does while the focus is in the viewer. Letters are taken by their place on the keyboard where the
// layout has other letters than Latin ones.
const FAST = 5;
const HU = { level: 25, width: 50 };

const level = (by) => (panel) => panel.setLook({ level: panel.state.level + by * HU.level });
const width = (by) => (panel) => panel.setLook({ width: panel.state.width + by * HU.width });
const slice = (by) => (panel) => panel.step(by);
const last = (by) => (panel) => panel.step(by * panel.scan.axis(panel.state.plane).count);
const plane = (name) => (panel) => panel.set({ plane: name, probe: null });
const probe = (right, down) => (panel) => panel.moveProbe(right, down);
const preset = (number) => (panel) => Object.values(panel.ui.buttons.windows)[number]?.click();

const opacity = (by) => (panel) =>
  panel.set({ opacity: Math.min(1, Math.max(0, Math.round(10 * panel.state.opacity + by) / 10)), masked: true });

export const KEYS = {
  ArrowUp: slice(1),
  ArrowDown: slice(-1),
  PageUp: slice(FAST),
  PageDown: slice(-FAST),
  Home: last(1),
  End: last(-1),
  ArrowRight: level(1),
  ArrowLeft: level(-1),
  "+": width(1),
  "=": width(1),
  "-": width(-1),
  1: preset(0),
  2: preset(1),
  3: preset(2),
  m: (panel) => panel.set({ masked: !panel.state.masked }),
  ",": opacity(-1),
  ".": opacity(1),
  a: plane("axial"),
  c: plane("coronal"),
  s: plane("sagittal"),
  "Shift+ArrowUp": probe(0, -1),
  "Shift+ArrowDown": probe(0, 1),
  "Shift+ArrowLeft": probe(-1, 0),
  "Shift+ArrowRight": probe(1, 0),
  f: (panel) => panel.toggleFull(),
  r: (panel) => panel.reset(),
};

const BY_PLACE = { Minus: "-", Equal: "+", Comma: ",", Period: "." };

export function keyOf(event) {
  if (event.key.startsWith("Arrow") && event.shiftKey) return `Shift+${event.key}`;
  if (event.key.length > 1) return event.key;
  if (event.key.charCodeAt(0) < 128) return event.key.toLowerCase();
  return BY_PLACE[event.code] ?? event.code.replace(/^(Key|Digit)/, "").toLowerCase();
}
