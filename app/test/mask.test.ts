import { expect, test } from "vitest";
import { eightBits, planes, presence } from "../src/mask";

test("presence is the mean of the most confident share", () => {
  const alpha = new Float32Array(1000).map((_, i) => i / 1000);
  expect(presence(alpha, 0.01)).toBeCloseTo((990 + 999) / 2 / 1000, 5);
  expect(presence(new Float32Array(1000), 0.01)).toBe(0);
  expect(presence(new Float32Array(1000).fill(1), 0.01)).toBe(1);
});

test("presence agrees with sorting, on any mask", () => {
  let seed = 1;
  for (let round = 0; round < 20; round++) {
    const alpha = new Float32Array(777).map(() => ((seed = (seed * 48271) % 2147483647) / 2147483647) ** (round + 1));
    const sorted = [...alpha].sort((a, b) => b - a).slice(0, Math.round(0.05 * 777));
    expect(presence(alpha, 0.05)).toBeCloseTo(sorted.reduce((a, b) => a + b) / sorted.length, 5);
  }
});

test("where nobody is, the mask is empty, never stretched", () => {
  expect([...eightBits(new Float32Array([0.2, 0.6]), false)]).toEqual([0, 0]);
  expect([...eightBits(new Float32Array([0, 0.5, 1]), true)]).toEqual([0, 128, 255]);
});

test("pixels become planes, red first, without their alpha", () => {
  const image = planes(new Uint8Array([255, 0, 51, 9, 0, 255, 0, 9]), new Float32Array(6));
  expect([...image]).toEqual([1, 0, 0, 1, expect.closeTo(0.2), 0]);
});
