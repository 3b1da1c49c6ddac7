// A NIfTI-1 file as the build writes it (little-endian, sform, int16 or uint8): fetched, unpacked, checked, looked up.
import { say } from "./words.js";

const HEADER = 348;
const TYPES = { 2: Uint8Array, 4: Int16Array };

/** World axes (x right, y front, z head) that each plane is cut across. */
export const ACROSS = { axial: 2, coronal: 1, sagittal: 0 };

/** An error whose message is meant for the reader. */
class Told extends Error {
  constructor(key, values) {
    super(key);
    this.told = say(key, values);
  }
}

/** Fetch and unpack a file. `progress` is called with the number of packed bytes that have come. */
export async function fetchScan(url, progress) {
  let packed;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Told("missing", { status: response.status });
    packed = await readAll(response, progress);
  } catch (error) {
    throw error instanceof Told ? error : new Told("unreachable");
  }
  try {
    return new Scan(await unpack(packed));
  } catch {
    throw new Told("broken");
  }
}

async function readAll(response, progress) {
  const parts = [];
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts);
    parts.push(value);
    progress(value.length);
  }
}

/** Some servers unpack .gz on their way out; then there is nothing left to do. */
async function unpack(blob) {
  const start = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const isPacked = start[0] === 0x1f && start[1] === 0x8b;
  const stream = isPacked ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob.stream();
  return new Response(stream).arrayBuffer();
}

export class Scan {
  constructor(buffer) {
    const header = new DataView(buffer, 0, HEADER);
    const start = header.getFloat32(108, true);
    const Type = TYPES[header.getInt16(70, true)];
    this.buffer = buffer;
    this.shape = [42, 44, 46].map((at) => header.getInt16(at, true));
    const count = this.shape[0] * this.shape[1] * this.shape[2];
    if (header.getInt32(0, true) !== HEADER || buffer.byteLength !== start + count * Type.BYTES_PER_ELEMENT)
      throw new RangeError("not the volume that its header describes");
    this.data = new Type(buffer, start, count);
    this.affine = [280, 296, 312].map((row) => [0, 4, 8, 12].map((at) => header.getFloat32(row + at, true)));
    this.inverse = invert(this.affine);
  }

  /** Array axis that a plane is cut across, and whether its numbers grow to the right, the front or the head. */
  axis(plane) {
    const row = this.affine[ACROSS[plane]].slice(0, 3);
    const axis = row.reduce((best, value, n) => (Math.abs(value) > Math.abs(row[best]) ? n : best), 0);
    return { axis, grows: row[axis] > 0, count: this.shape[axis] };
  }

  /** Nearest voxel to a place in mm; null outside the scan. */
  voxelAt(mm) {
    const from = mm.map((value, n) => value - this.affine[n][3]);
    const index = this.inverse.map((row) => Math.round(row[0] * from[0] + row[1] * from[1] + row[2] * from[2]));
    return index.every((value, n) => value >= 0 && value < this.shape[n]) ? index.map((value) => value + 0) : null;
  }

  place([i, j, k]) {
    return this.affine.map((row) => row[0] * i + row[1] * j + row[2] * k + row[3]);
  }

  value([i, j, k]) {
    return this.data[i + this.shape[0] * (j + this.shape[1] * k)];
  }
}

/** Inverse of the 3x3 part of an affine, by cofactors. */
function invert(affine) {
  const [a, b, c] = affine;
  const cross = (u, v) => [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = a[0] * columns[0][0] + a[1] * columns[0][1] + a[2] * columns[0][2];
  return [0, 1, 2].map((row) => columns.map((column) => column[row] / determinant));
}
