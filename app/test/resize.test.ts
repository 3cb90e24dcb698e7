import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { difference, shift } from "../e2e/masks.mjs";
import { decode } from "../e2e/png.mjs";
import { contract } from "../src/contract";
import { resize, taps } from "../src/resize";

const read = (name: string) => decode(readFileSync(new URL(`../model/${name}`, import.meta.url)));

describe("the resize is Python's", () => {
  for (const vector of contract.vectors)
    test(vector.frame, () => {
      const frame = read(vector.frame);
      const image = read(vector.image);
      const made = resize(frame.pixels, [frame.height, frame.width], [image.height, image.width], 3);
      expect(difference(made, image.pixels)).toBeLessThan(0.6);
      const grey = (pixels: ArrayLike<number>) => Array.from({ length: pixels.length / 3 }, (_, i) => pixels[3 * i + 1]!);
      const [x, y] = shift(grey(made), grey(image.pixels), image.width, image.height);
      expect(Math.hypot(x, y)).toBeLessThan(0.01);
    });
});

test("each output pixel's weights add up to 1, shrinking and growing", () => {
  for (const [from, to] of [[7, 3], [3, 7], [5, 5], [4000, 256], [100, 256], [1, 4]] as const)
    for (const { first, weights } of taps(from, to)) {
      expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(first + weights.length).toBeLessThanOrEqual(from);
    }
});

test("halving is the mean of two, doubling holds the outer edges", () => {
  expect([...resize(new Uint8Array([0, 10, 20, 40]), [1, 4], [1, 2], 1)]).toEqual([5, 30]);
  expect([...resize(new Uint8Array([0, 100]), [1, 2], [1, 4], 1)]).toEqual([0, 25, 75, 100]);
});

test("a flat picture stays flat at any size", () => {
  const made = resize(new Uint8Array(6 * 5 * 4).fill(77), [6, 5], [256, 3], 4);
  expect(new Set(made)).toEqual(new Set([77]));
});
