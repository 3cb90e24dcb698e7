// Browsers of phones: what they lack is not needed, what they have and does not work is left, and they install it.
import assert from "node:assert/strict";
import { decode } from "./png.mjs";
import { readFileSync } from "node:fs";
import { serve } from "./server.mjs";

/** No JSPI, no shared memory, no OffscreenCanvas, no WebCodecs, no WebGPU; as older iPhones are, or below them. */
const LACKING = `
  for (const name of ["SharedArrayBuffer", "OffscreenCanvas", "OffscreenCanvasRenderingContext2D", "VideoEncoder", "VideoDecoder", "VideoFrame",
    "AudioEncoder", "AudioDecoder", "ImageDecoder", "EncodedVideoChunk", "MediaStreamTrackProcessor", "MediaStreamTrackGenerator", "ImageCapture"])
    delete globalThis[name];
  for (const name of ["Suspending", "promising", "SuspendError", "Suspender"]) delete WebAssembly[name];
  for (const name of ["gpu", "wakeLock"]) if (name in navigator) Object.defineProperty(navigator, name, { value: undefined });`;
/** Of pages: no frame callbacks of videos; MP4 alone is recorded. */
const LACKING_PAGE = `${LACKING}
  delete HTMLVideoElement.prototype.requestVideoFrameCallback;
  const known = MediaRecorder.isTypeSupported.bind(MediaRecorder);
  MediaRecorder.isTypeSupported = (type) => type.startsWith("video/mp4") && known(type);`;

export async function an_iPhone_needs_none_of_what_it_lacks({ live, frames, built, saved }) {
  let workers = 0;
  const at = await serve(built, { change: (name, body) => (/worker-.*\.js$/.test(name) ? (workers++, Buffer.from(LACKING + body)) : body) });
  const page = await live({ at, init: LACKING_PAGE });
  assert.equal(await page.evaluate(() => typeof OffscreenCanvas + typeof VideoFrame + typeof SharedArrayBuffer + typeof WebAssembly.Suspending), "undefined".repeat(4));
  assert.equal(workers, 1);
  // within the page and without asking: else an iPhone shows its own player
  assert.deepEqual(await page.evaluate(() => { const { playsInline, muted } = document.querySelector("#video"); return [playsInline, muted]; }), [true, true]);
  await page.check('input[value="clear"]');
  await frames(page, 2);
  await page.click("#shoot");
  const { name, path } = await saved(page, "#result-save");
  assert.match(name, /\.png$/);
  assert.equal(decode(readFileSync(path)).channels, 4);
  await page.click("#result-close");
  if (await page.evaluate(() => MediaRecorder.isTypeSupported("video/mp4"))) {
    await page.click("#record");
    await page.waitForSelector("#badge:not([hidden])");
    await page.waitForTimeout(1200);
    await frames(page, 1);
    await page.click("#record");
    await page.waitForSelector("#result-view video");
    assert.match(await page.textContent("#result-note"), /no transparency/);
    assert.match((await saved(page, "#result-save")).name, /\.mp4$/);
  } else console.log("     this Chromium writes no MP4: the clip was left out");
  await page.context().close();
  at.close();
}

export async function a_GPU_that_does_not_do_what_it_says_is_left({ built, open, forgive }) {
  forgive(/webgpu|gpu/i);
  // the page is promised one; the worker, which is to run the network on it, gets none
  const none = 'Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null } });';
  const at = await serve(built, { change: (name, body) => (/worker-.*\.js$/.test(name) ? Buffer.from(none + body) : body) });
  const adapter = `Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => ({ info: { architecture: "made" }, limits: {}, features: new Set(), requestDevice: async () => { throw new Error("lost"); } }) } });`;
  const listen = `window.said = []; const info = console.info; console.info = (...words) => { window.said.push(words.join(" ")); info(...words); };`;
  const page = await open({ at, init: adapter + listen }); // it may say so before the page has loaded
  await page.setInputFiles("#file", new URL("../../examples/astronaut.jpg", import.meta.url).pathname);
  await page.waitForSelector('body[data-state="still"]');
  const said = await page.evaluate(() => window.said);
  assert.ok(said.some((line) => /webgpu with 1 thread\(s\) does not run here/.test(line)), `it did not try the GPU: ${said}`);
  assert.equal(await page.evaluate(() => window.fastportrait.segmenter.plan.backend), "wasm");
  assert.match(await page.textContent("#runs"), /WebAssembly/);
  await page.context().close();
  at.close();
}

export async function a_phone_may_install_it({ open }) {
  const page = await open();
  await page.evaluate(() => navigator.serviceWorker.ready);
  const client = await page.context().newCDPSession(page);
  const { installabilityErrors } = await client.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito"), []); // as every test's page is
  const { errors, data } = await client.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const { icons } = JSON.parse(data);
  for (const { src, sizes } of icons.filter(({ type }) => type === "image/png")) {
    const [width, height] = await page.evaluate(async (src) => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    }, src);
    assert.equal(`${width}x${height}`, sizes);
  }
  assert.ok(icons.some(({ purpose }) => purpose === "maskable"));
}

export async function the_policy_is_in_force_and_the_runtime_lives_with_it({ live, forgive }) {
  const page = await live({ init: 'window.broken = []; addEventListener("securitypolicyviolation", (event) => window.broken.push(event.effectiveDirective));' });
  assert.deepEqual(await page.evaluate(() => window.broken), [], "the page itself breaks its policy");
  forgive(/Content Security Policy|violates|Refused to|Failed to fetch/i);
  const tried = await page.evaluate(async () => {
    // in a task of its own: what a test evaluates may call eval, by leave of the browser's tools
    const outcome = (act) => new Promise((tell) => setTimeout(async () => { try { await act(); tell("done"); } catch (error) { tell(error.name); } }));
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.head.append(script);
    return [await outcome(() => new Function("return 1")()), await outcome(() => fetch("http://127.0.0.1:9/")), await outcome(() => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))), window.injected];
  });
  assert.deepEqual(tried, ["EvalError", "TypeError", "done", undefined]);
  assert.deepEqual([...new Set(await page.evaluate(() => window.broken))].sort(), ["connect-src", "script-src", "script-src-elem"]);
}
