import { expect, test } from "vitest";
import { Protocol, quantile, type Subject } from "../src/protocol";

const subject: Subject = {
  date: "2026-01-31", app: "0", model: { name: "small", sha256: "0", file: "small.onnx" },
  device: { name: "d", platform: "p", browser: "b" }, runtime: { name: "r", backend: "wasm", threads: 1 },
  camera: { width: 1280, height: 720, fps: 30 },
};

function run(seconds: number, every: number, network: (t: number) => number): ReturnType<Protocol["result"]> {
  const protocol = new Protocol();
  for (let t = 0; t <= seconds * 1000; t += every) protocol.frame({ at: 5000 + t, latency: network(t) + 10, network: network(t), presence: 1 });
  return protocol.result(subject);
}

test("a steady phone: its numbers, one sample a second, the warm-up dropped", () => {
  const result = run(63, 40, () => 20);
  expect(result.schema).toBe("phone/1");
  expect(result.summary).toEqual({ network_ms_p50: 20, network_ms_p95: 20, latency_ms_p50: 30, latency_ms_p95: 30, fps: 25 });
  expect(result.minutes).toBe(1);
  expect(result.samples.length).toBeGreaterThanOrEqual(58);
  expect(result.samples[0]).toEqual({ t_s: 0, network_ms: 20, latency_ms: 30, fps: 25 });
});

test("the warm-up's slow frames are in no number", () => {
  expect(run(20, 50, (t) => (t < 3000 ? 500 : 30)).summary.network_ms_p95).toBe(30);
});

test("a phone that slows down as it warms up shows it in its samples", () => {
  const { samples } = run(123, 100, (t) => 20 + t / 4000);
  expect(samples.at(-1)!.network_ms).toBeGreaterThan(samples[0]!.network_ms + 25);
});

test("quantiles are values that were measured", () => {
  expect(quantile([5, 1, 3], 0.5)).toBe(3);
  expect(quantile(Array.from({ length: 100 }, (_, i) => i + 1), 0.95)).toBe(95);
  expect(quantile([], 0.5)).toBe(0);
});
