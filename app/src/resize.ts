/** Pixels to another size by the rule of Python's transform.py: area where it shrinks, linear where it grows. */

/** What one output pixel is made of: pixels from `first` on, each with its weight; the weights add up to 1. */
export interface Taps {
  first: number;
  weights: number[];
}

/** The taps of every output pixel along one side. Outer edges stay where they are (half-pixel centres). */
export function taps(from: number, to: number): Taps[] {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => (step > 1 ? area(i * step, (i + 1) * step, from) : linear(i, step, from)));
}

function area(start: number, end: number, length: number): Taps {
  const first = Math.min(Math.floor(start + 1e-9), length - 1);
  const last = Math.min(Math.ceil(end - 1e-9), length);
  const weights = [];
  for (let x = first; x < last; x++) weights.push((Math.min(end, x + 1) - Math.max(start, x)) / (end - start));
  return { first, weights };
}

function linear(i: number, step: number, length: number): Taps {
  const centre = Math.min(Math.max((i + 0.5) * step - 0.5, 0), length - 1);
  const first = Math.min(Math.floor(centre), length - 1);
  const share = centre - first;
  return { first, weights: share > 0 && first + 1 < length ? [1 - share, share] : [1] };
}

/** (height, width, channels) to (toHeight, toWidth, channels), each value 0..255 and rounded once. */
export function resize(
  pixels: Uint8Array | Uint8ClampedArray,
  [height, width]: [number, number],
  [toHeight, toWidth]: [number, number],
  channels: number,
): Uint8ClampedArray<ArrayBuffer> {
  const across = taps(width, toWidth);
  const down = taps(height, toHeight);
  const rows = new Float32Array(height * toWidth * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < toWidth; x++) {
      const { first, weights } = across[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * pixels[(y * width + first + k) * channels + c]!;
        rows[(y * toWidth + x) * channels + c] = sum;
      }
    }
  const line = toWidth * channels;
  const result = new Uint8ClampedArray(toHeight * line);
  for (let y = 0; y < toHeight; y++) {
    const { first, weights } = down[y]!;
    for (let x = 0; x < line; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(first + k) * line + x]!;
      result[y * line + x] = sum; // a clamped array rounds, half to even, as OpenCV does
    }
  }
  return result;
}
