/** The network's input from pixels, and what its mask says: is anybody there? */

/** RGBA, 0..255, (h, w) -> planes R, G, B in [0, 1], (3, h, w). */
export function planes(rgba: Uint8Array | Uint8ClampedArray, image: Float32Array): Float32Array {
  const size = image.length / 3;
  for (let i = 0; i < size; i++) {
    image[i] = rgba[4 * i]! / 255;
    image[size + i] = rgba[4 * i + 1]! / 255;
    image[2 * size + i] = rgba[4 * i + 2]! / 255;
  }
  return image;
}

const STEPS = 1024;

/** How sure the network is that somebody is there: the mean of the most confident `share` of `alpha`. */
export function presence(alpha: Float32Array, share: number): number {
  const count = Math.max(1, Math.round(share * alpha.length));
  const histogram = new Uint32Array(STEPS + 1);
  const step = (value: number) => Math.floor(Math.min(Math.max(value, 0), 1) * STEPS);
  for (let i = 0; i < alpha.length; i++) histogram[step(alpha[i]!)]!++;
  let edge = STEPS;
  let above = 0;
  while (edge > 0 && above + histogram[edge]! < count) above += histogram[edge--]!;
  let sum = 0;
  const border: number[] = [];
  for (let i = 0; i < alpha.length; i++) {
    const at = step(alpha[i]!);
    if (at > edge) sum += alpha[i]!;
    else if (at === edge) border.push(alpha[i]!);
  }
  border.sort((a, b) => b - a);
  for (let k = 0; k < count - above; k++) sum += border[k]!;
  return sum / count;
}

/** Alpha in [0, 1] -> 0..255, all zero where nobody is there. */
export function eightBits(alpha: Float32Array, there: boolean): Uint8Array<ArrayBuffer> {
  const mask = new Uint8ClampedArray(alpha.length);
  if (there) for (let i = 0; i < alpha.length; i++) mask[i] = alpha[i]! * 255;
  return new Uint8Array(mask.buffer);
}
