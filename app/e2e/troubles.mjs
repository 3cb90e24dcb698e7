// What goes wrong on phones, and that the page says so in words and goes on.
import assert from "node:assert/strict";

const words = (page) => page.textContent("#trouble p");
const shown = (page) => page.waitForSelector("#trouble:not([hidden])");
const refuse = (name) => `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "${name}"); };`;

export async function permission_refused({ open, browser }) {
  const page = await open({ permissions: [] });
  await page.click("#start");
  await shown(page);
  assert.match(await words(page), /blocked for this page/);
  await page.context().grantPermissions(["camera"]);
  await page.click("#retry");
  await page.waitForSelector('body[data-state="live"]');
}

export async function camera_busy_absent_or_insecure({ open }) {
  for (const [name, say] of [["NotReadableError", /Another app/], ["NotFoundError", /No camera/], ["TypeError", /could not be started/]]) {
    const page = await open({ init: refuse(name) });
    await page.click("#start");
    await shown(page);
    assert.match(await words(page), say);
  }
}

export async function camera_lost_and_found({ live, frames }) {
  const page = await live();
  await page.evaluate(() => {
    const [track] = document.querySelector("#video").srcObject.getVideoTracks();
    track.stop();
    track.dispatchEvent(new Event("ended")); // what a browser does when the cable is pulled
  });
  await shown(page);
  assert.match(await words(page), /disconnected/);
  await page.click("#retry");
  await frames(page, 1);
  assert.equal(await page.isVisible("#trouble"), false);
}

export async function a_worker_that_dies_is_replaced({ live, frames }) {
  const page = await live();
  await page.evaluate(() => window.fastportrait.segmenter.worker.dispatchEvent(new ErrorEvent("error", { message: "out of memory" })));
  await frames(page, 2);
  assert.equal(await page.isVisible("#trouble"), false);
}

export async function a_hidden_tab_rests_and_goes_on({ live, frames }) {
  const page = await live();
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await page.waitForTimeout(300);
  const before = await page.evaluate(() => window.fastportrait.live.shown);
  await page.waitForTimeout(1200);
  assert.ok((await page.evaluate(() => window.fastportrait.live.shown)) <= before + 1, "it works on while hidden");
  await hide(false);
  await frames(page, 1);
}

export async function the_GPU_taken_away({ live, frames }) {
  const page = await live();
  await page.evaluate(() => document.querySelector("#holder canvas").getContext("webgl2").getExtension("WEBGL_lose_context").loseContext());
  await frames(page, 2);
  assert.equal(await page.evaluate(() => window.fastportrait.stage.name), "Canvas");
}

export async function a_file_that_is_no_picture({ open }) {
  const page = await open();
  await page.setInputFiles("#file", { name: "a.png", mimeType: "image/png", buffer: Buffer.from("not a picture") });
  await page.waitForSelector("#toast.up");
  assert.match(await page.textContent("#toast"), /not a picture/);
  assert.equal(await page.isVisible("#hello"), true);
}

export async function threads_where_the_page_is_isolated({ live, frames, built }) {
  const { serve } = await import("./server.mjs");
  const at = await serve(built, { isolated: true });
  const page = await live({ at, init: 'Object.defineProperty(navigator, "hardwareConcurrency", { value: 4 });' });
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  const threads = await page.evaluate(() => window.fastportrait.segmenter.plan.threads);
  await frames(page, 1);
  await page.context().close();
  at.close();
  assert.equal(threads, 2);
}
