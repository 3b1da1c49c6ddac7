// The picture: NiiVue on a canvas, told what to show. This is the only module that knows NiiVue.
import { Niivue, NVImage } from "@niivue/niivue";
import { ACROSS } from "./scan.js";

const SLICE_TYPES = { axial: 0, coronal: 1, sagittal: 2 };

/** Okabe and Ito's orange, as in every figure of the course. */
const ORANGE = { R: [0, 230, 230], G: [0, 159, 159], B: [0, 0, 0], A: [0, 0, 255], I: [0, 1, 255] };

export class Screen {
  constructor(scan, mask) {
    this.scan = scan;
    this.mask = mask;
    this.plane = "axial";
    this.viewer = new Niivue({
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      crosshairWidth: 0,
      isOrientationTextVisible: false,
      isColorbar: false,
      sliceType: SLICE_TYPES.axial,
      interactive: false,
      dragAndDropEnabled: false,
      loadingText: "",
      logLevel: "error",
      backColor: [0, 0, 0, 1],
    });
  }

  async attach(canvas, { low, high }, opacity) {
    const viewer = this.viewer;
    await viewer.attachToCanvas(canvas, false);
    viewer.addColormap("mosmed", ORANGE);
    const scan = await NVImage.new(this.scan.buffer, "scan.nii", "gray", 1, null, low, high);
    const mask = this.mask && (await NVImage.new(this.mask.buffer, "mask.nii", "mosmed", opacity, null, 0, 1));
    // Whenever a volume is added, NiiVue colours all of them, voxel by voxel. So the scan waits for its mask.
    if (mask) viewer.volumes.push(scan);
    viewer.addVolume(mask ?? scan);
    viewer.setSliceType(SLICE_TYPES.axial);
  }

  setPlane(plane) {
    this.plane = plane;
    this.viewer.setInterpolation(plane !== "axial"); // across the slices voxels are bricks, and shall look it
    this.viewer.setSliceType(SLICE_TYPES[plane]);
  }

  /** Show a slice, counted as the file counts it. */
  setSlice(index) {
    const { grows, count } = this.scan.axis(this.plane);
    const middle = [0.5, 0.5, 0.5];
    middle[ACROSS[this.plane]] = ((grows ? index : count - 1 - index) + 0.5) / count;
    this.viewer.scene.crosshairPos = middle;
    this.viewer.drawScene();
  }

  /** Show a window and an opacity. NiiVue colours every voxel of a volume again for it, so only where it is a new one. */
  setLook({ low, high }, opacity) {
    const [scan, mask] = this.viewer.volumes;
    const newWindow = scan.cal_min !== low || scan.cal_max !== high;
    const newOpacity = mask && mask.opacity !== opacity;
    if (newWindow) {
      Object.assign(scan, { cal_min: low, cal_max: high });
      this.viewer.refreshLayers(scan, 0);
    }
    if (newOpacity) {
      mask.opacity = opacity;
      this.viewer.refreshLayers(mask, 1);
    }
    if (newWindow || newOpacity) this.viewer.drawScene();
  }

  resize() {
    this.viewer.resizeListener();
  }

  /** Place in mm below a point of the canvas, in CSS pixels; null beside the picture. */
  placeAt(x, y) {
    const dpr = this.viewer.uiData.dpr;
    const part = this.viewer.canvasPos2frac([x * dpr, y * dpr]);
    return part[0] < 0 ? null : [...this.viewer.frac2mm(part)].slice(0, 3);
  }

  /** Where on the canvas a place in mm is, in CSS pixels; null outside the picture. */
  pointOf(mm) {
    const at = this.viewer.frac2canvasPos(this.viewer.mm2frac(mm));
    return at && at.map((value) => value / this.viewer.uiData.dpr);
  }

  /** CSS pixels to a millimetre. */
  perMm() {
    const { leftTopWidthHeight: box, fovMM } = this.viewer.screenSlices[0];
    return Math.abs(box[2] / fovMM[0]) / this.viewer.uiData.dpr;
  }

  close() {
    this.viewer.cleanup();
    this.viewer.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
