import { afterEach, expect, test, vi } from "vitest";
import type { FromWorker, ToWorker } from "../src/segment/messages";
import { Segmenter } from "../src/segment/segmenter";

/** Answers each picture with a mask of its first pixel, a while later; `fate` may let it die instead. */
class Played {
  static made = 0;
  static fate: (message: ToWorker) => "answer" | "die" | "fail" = () => "answer";
  onmessage: (event: { data: FromWorker }) => void = () => {};
  onerror: (event: { message: string }) => void = () => {};
  constructor() {
    Played.made++;
  }
  postMessage(message: ToWorker): void {
    setTimeout(() => {
      const fate = Played.fate(message);
      if (fate === "die") return this.onerror({ message: "out of memory" });
      if (fate === "fail") return this.onmessage({ data: { type: "failed", reason: "no" } });
      if (message.type === "load") return this.onmessage({ data: { type: "ready" } });
      const { id, image } = message;
      this.onmessage({ data: { type: "mask", id, image, mask: new Uint8Array([image[0]!]), presence: 1, ms: 1 } });
    }, 5);
  }
  terminate(): void {}
}

async function started(): Promise<Segmenter> {
  Played.made = 0;
  Played.fate = () => "answer";
  vi.stubGlobal("Worker", Played);
  vi.stubGlobal("location", { search: "", href: "http://localhost/" });
  vi.stubGlobal("navigator", { hardwareConcurrency: 8 });
  vi.spyOn(console, "info").mockImplementation(() => {});
  const segmenter = new Segmenter();
  expect(await segmenter.start()).toEqual({ backend: "wasm", threads: 1 });
  return segmenter;
}

const picture = (value: number) => new Uint8ClampedArray([value, 0, 0, 255]);

afterEach(() => void vi.unstubAllGlobals());

test("a photo that is opened while a camera frame is in work gets its own mask", async () => {
  const segmenter = await started();
  const [frame, photo] = await Promise.all([segmenter.run(picture(1)), segmenter.run(picture(2))]);
  expect([frame.mask[0], photo.mask[0]]).toEqual([1, 2]);
  expect(Played.made).toBe(1);
});

test("a worker that dies of a picture is replaced, and the picture tried again", async () => {
  const segmenter = await started();
  let died = false;
  Played.fate = ({ type }) => (type === "run" && !died ? ((died = true), "die") : "answer");
  expect((await segmenter.run(picture(7))).mask[0]).toBe(7);
  expect(Played.made).toBe(2);
});

test("where nothing runs it says so, and the next picture is tried anew", async () => {
  const segmenter = await started();
  Played.fate = () => "fail";
  await expect(segmenter.run(picture(1))).rejects.toThrow("no backend");
  Played.fate = () => "answer";
  expect((await segmenter.run(picture(3))).mask[0]).toBe(3);
});
