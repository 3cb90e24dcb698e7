// What goes wrong on phones, and that the page says so in words and goes on.
import assert from "node:assert/strict";

const words = (page) => page.textContent("#trouble p");
const shown = (page) => page.waitForSelector("#trouble:not([hidden])");
const lose = () => {
  const [track] = document.querySelector("#video").srcObject.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended")); // what a browser does when the cable is pulled
};
const hiding = (page, hidden) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
const refuse = (name) => `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "${name}"); };`;

export async function permission_refused({ open, browser }) {
  const page = await open({ permissions: [] });
  await page.click("#start");
  await shown(page);
  assert.match(await words(page), /blocked for this page/);
  assert.equal(await page.isVisible("#hello"), false, "the first page shines through the words");
  const choosing = page.waitForEvent("filechooser");
  await page.click("#pick-instead"); // what the words of a phone without a camera advise
  await choosing;
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
  await page.evaluate(lose);
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
  const hide = (hidden) => hiding(page, hidden);
  await page.check('input[value="green"]');
  await page.click("#record");
  await page.waitForSelector("#badge:not([hidden])");
  await page.waitForTimeout(1200);
  await frames(page, 2);
  await hide(true);
  assert.equal(await page.textContent("#note"), "Paused while this page was hidden");
  await page.waitForSelector("#result-view video");
  assert.match(await page.textContent("#result-note"), /when this page was hidden/);
  await page.click("#result-close");
  await page.waitForTimeout(300);
  const before = await page.evaluate(() => window.fastportrait.live.shown);
  await page.waitForTimeout(1200);
  assert.ok((await page.evaluate(() => window.fastportrait.live.shown)) <= before + 1, "it works on while hidden");
  await hide(false);
  await frames(page, 1);
  assert.equal(await page.isVisible("#note"), false);
}

/** iPhones end a hidden page's camera; it comes back with the page, without a word about cables. */
export async function a_camera_lost_while_hidden_comes_back({ live, frames }) {
  const page = await live();
  await hiding(page, true);
  await page.evaluate(lose);
  await page.waitForFunction(() => document.body.dataset.state === "start");
  await hiding(page, false);
  await frames(page, 2);
  assert.equal(await page.isVisible("#trouble"), false);
}

export async function a_camera_that_the_system_pauses_says_so({ live, frames }) {
  const page = await live();
  const tell = (kind) => page.evaluate((kind) => document.querySelector("#video").srcObject.getVideoTracks()[0].dispatchEvent(new Event(kind)), kind);
  await tell("mute");
  assert.match(await page.textContent("#note"), /paused by the system/);
  const { left, right } = await page.evaluate(() => document.querySelector("#note").getBoundingClientRect().toJSON());
  assert.ok(left >= 8 && right <= 382, `the words reach from ${left} to ${right} of 390`);
  await tell("unmute");
  assert.equal(await page.isVisible("#note"), false);
  await frames(page, 1);
}

export async function out_of_memory_is_said_and_tried_again({ live, frames, open }) {
  const page = await live();
  await page.evaluate(() => {
    // this worker and every one from now on dies, of what it is sent, as one does whose memory is refused
    function die() { this.dispatchEvent(new ErrorEvent("error", { message: "RangeError: out of memory" })); }
    window.fastportrait.segmenter.worker.postMessage = die;
    window.Kept = window.Worker;
    window.Worker = class extends window.Kept {};
    window.Worker.prototype.postMessage = die;
  });
  await shown(page);
  assert.match(await words(page), /ran out of memory/);
  assert.equal(await page.evaluate(() => document.querySelector("#video").srcObject), null, "the camera stays on behind the words");
  await page.evaluate(() => (window.Worker = window.Kept));
  await page.click("#retry");
  await frames(page, 1);
  await page.context().close();
  const offline = await open({ init: 'window.Worker = class extends window.Worker { postMessage() { this.dispatchEvent(new ErrorEvent("error", { message: "no network" })); } };' });
  await offline.click("#start");
  await shown(offline);
  assert.match(await words(offline), /could not be loaded/);
}

export async function a_measurement_whose_camera_goes_says_so({ live }) {
  const page = await live();
  await page.click("#measure-open");
  await page.click("#measure-start");
  await page.waitForSelector("#measure-stop:not([hidden])");
  await page.evaluate(lose);
  await page.waitForFunction(() => /camera went away/.test(document.querySelector("#measure-note").textContent));
  assert.equal(await page.isVisible("#measure-start"), true);
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
  await page.waitForFunction(() => /not a picture/.test(document.querySelector("#toast.up")?.textContent));
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
