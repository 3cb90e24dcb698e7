// The mask in the page is Python's mask of the same frame, unshifted; on the GPU's stage and on the canvas's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { difference, iou, shift } from "./masks.mjs";
import { decode } from "./png.mjs";

const model = new URL("../model/", import.meta.url);
const portrait = JSON.parse(readFileSync(new URL("portrait.json", model)));
const { width, height } = portrait.input;

const last = async (page) => {
  const { mask, image } = await page.evaluate(() => {
    const { mask, image } = window.fastportrait.answer;
    return { mask: [...mask], image: [...image] };
  });
  return { mask, image: image.filter((_, i) => i % 4 < 3) };
};

function agree(mask, truth, what) {
  const [x, y] = shift(mask, truth, width, height);
  assert.ok(iou(mask, truth) >= 0.99, `${what}: IoU is ${iou(mask, truth)}`);
  assert.ok(Math.hypot(x, y) < 0.05, `${what}: shifted by ${x}, ${y}`);
  assert.ok(difference(mask, truth) / 255 < 0.01, `${what}: mean difference is ${difference(mask, truth) / 255}`);
}

async function vectors({ open }, path, init, most = portrait.vectors.length) {
  const page = await open({ path, init });
  for (const [i, vector] of portrait.vectors.slice(0, most).entries()) {
    await page.evaluate(() => delete window.fastportrait);
    await page.setInputFiles("#file", new URL(vector.frame, model).pathname);
    await page.waitForFunction(() => window.fastportrait?.answer);
    const { mask, image } = await last(page);
    assert.ok(difference(image, decode(readFileSync(new URL(vector.image, model))).pixels) < 0.6, `${i}: another input`);
    agree(mask, decode(readFileSync(new URL(vector.alpha, model))).pixels, vector.frame);
  }
  return page;
}

export const photos_give_Pythons_masks_on_the_GPU = (e2e) => vectors(e2e, "");
export const photos_give_Pythons_masks_on_a_canvas = (e2e) => vectors(e2e, "?stage=canvas");

/**
 * The GPU here is a processor that plays one, which the app leaves alone unless it does not know. It takes minutes,
 * hence only where asked for, and with more patience than the app has.
 */
export async function photos_give_Pythons_masks_by_WebGPU(e2e) {
  if (!process.env.E2E_WEBGPU) return "left out";
  const real = `
    const wait = setTimeout;
    window.setTimeout = (act, ms, ...rest) => wait(act, ms > 10_000 ? 20 * ms : ms, ...rest);
    Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
    Object.defineProperty(GPUAdapterInfo.prototype, "architecture", { get: () => "made" });`;
  const page = await vectors(e2e, "", real, 1);
  assert.equal(await page.evaluate(() => window.fastportrait.segmenter.plan.backend), "webgpu");
  assert.match(await page.textContent("#runs"), /WebGPU/);
}

export async function a_GPU_that_is_a_processor_in_disguise_is_left({ open }) {
  const page = await open();
  assert.ok(await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) ?? null), "this Chromium has no WebGPU: nothing was tested");
  await page.setInputFiles("#file", new URL(portrait.vectors[0].frame, model).pathname);
  await page.waitForFunction(() => window.fastportrait?.answer);
  assert.equal(await page.evaluate(() => window.fastportrait.segmenter.plan.backend), "wasm");
}

export async function camera_frames_give_Pythons_masks({ live, frames, film }) {
  const truths = Array.from({ length: 12 }, (_, i) => ({
    frame: decode(readFileSync(join(film, `${i}-frame.png`))),
    alpha: decode(readFileSync(join(film, `${i}-alpha.png`))).pixels,
  }));
  const page = await live();
  const seen = new Set();
  for (let k = 0; k < 4; k++) {
    await frames(page, 1);
    const { mask, image } = await last(page);
    // which frame of the film it is: the one that looks most like it
    const unlike = truths.map(({ frame }) => {
      let sum = 0;
      for (let y = 2; y < height; y += 5)
        for (let x = 2; x < width; x += 5) {
          const at = (Math.floor(((y + 0.5) * frame.height) / height) * frame.width + Math.floor(((x + 0.5) * frame.width) / width)) * 3;
          for (let c = 0; c < 3; c++) sum += Math.abs(image[(y * width + x) * 3 + c] - frame.pixels[at + c]);
        }
      return sum;
    });
    const which = unlike.indexOf(Math.min(...unlike));
    seen.add(which);
    agree(mask, truths[which].alpha, `frame ${which}`);
  }
  assert.ok(seen.size > 1, "the film does not move");
}

export async function a_backend_passes_its_self_test({ open }) {
  const page = await open({ path: "?backend=wasm" });
  await page.setInputFiles("#file", new URL(portrait.vectors[0].frame, model).pathname);
  await page.waitForFunction(() => window.fastportrait?.answer);
  await page.evaluate(() => window.fastportrait.segmenter.check());
}
