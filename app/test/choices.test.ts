import { expect, test } from "vitest";
import { troubleOf } from "../src/camera";
import { ceiling } from "../src/chart";
import { named } from "../src/give";
import { ending, typeOf } from "../src/record";
import { plans } from "../src/segment/plan";
import { agreement } from "../src/segment/selftest";
import { cover, fitted } from "../src/stage/stage";
import { texts } from "../src/texts";

test("one thread without WebGPU is always the last resort", () => {
  expect(plans({ webgpu: false, isolated: false, cores: 8 })).toEqual([{ backend: "wasm", threads: 1 }]);
  expect(plans({ webgpu: true, isolated: true, cores: 8 })).toEqual([
    { backend: "webgpu", threads: 1 },
    { backend: "wasm", threads: 4 },
    { backend: "wasm", threads: 1 },
  ]);
  expect(plans({ webgpu: true, isolated: false, cores: 8 }, "wasm")).toEqual([{ backend: "wasm", threads: 1 }]);
  expect(plans({ webgpu: false, isolated: true, cores: 2 })).toEqual([{ backend: "wasm", threads: 1 }]);
});

test("a backend's self-test tells a right mask from a scrambled one", () => {
  const truth = new Uint8ClampedArray(400).map((_, i) => (i % 4 === 0 && i >= 200 ? 255 : 0));
  const right = new Uint8Array(100).map((_, i) => (i >= 50 ? 250 : 3));
  expect(agreement(right, truth)).toBe(1);
  expect(agreement(right.toReversed(), truth)).toBe(0);
  expect(agreement(new Uint8Array(100), truth)).toBe(0);
});

test("an iPhone records MP4; where only WebM is known it is WebM; a clear background wants WebM", () => {
  const safari = (type: string) => type.startsWith("video/mp4");
  const firefox = (type: string) => type.startsWith("video/webm");
  expect(ending(typeOf(safari, false)!)).toBe("mp4");
  expect(ending(typeOf(safari, true)!)).toBe("mp4");
  expect(ending(typeOf(firefox, false)!)).toBe("webm");
  expect(ending(typeOf(() => true, false)!)).toBe("mp4");
  expect(ending(typeOf(() => true, true)!)).toBe("webm");
  expect(typeOf(() => false, false)).toBeUndefined();
});

test("every trouble of a camera has words", () => {
  for (const name of ["NotAllowedError", "NotFoundError", "NotReadableError", "AbortError", "OverconstrainedError", "TypeError"])
    expect(texts[troubleOf({ name })].length).toBeGreaterThan(20);
  expect(troubleOf({ name: "NotAllowedError" })).toBe("refused");
  expect(troubleOf({ name: "NotReadableError" })).toBe("busy");
  expect(troubleOf(undefined)).toBe("cameraOther");
});

test("a picture covers the frame, cropped about its middle", () => {
  expect(cover([100, 100], [200, 100])).toEqual([0, 25, 100, 50]);
  expect(cover([400, 100], [100, 100])).toEqual([150, 0, 100, 100]);
  expect(fitted(8000, 6000, 4096)).toEqual([4096, 3072]);
  expect(fitted(640, 480, 4096)).toEqual([640, 480]);
});

test("files are named by the time", () => {
  expect(named("portrait", "png", new Date(2026, 0, 31, 9, 5, 7))).toBe("portrait-2026-01-31-090507.png");
});

test("a chart's top is round and above what it shows", () => {
  for (const value of [3, 19, 20, 41, 99, 100, 101, 450]) {
    expect(ceiling(value)).toBeGreaterThanOrEqual(value);
    expect((ceiling(value) / 4) % 0.25).toBe(0);
  }
});
