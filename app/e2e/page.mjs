// The page itself: accessible, fitting every screen, offline, updated, measured, and steady in memory.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { serve } from "./server.mjs";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const astronaut = new URL("../../examples/astronaut.jpg", import.meta.url).pathname;

export async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  const bad = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(bad.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map((node) => node.html).join(" ")}`), []);
}

export async function accessible_in_light_and_dark({ open }) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ colorScheme, reducedMotion: "reduce" });
    await page.waitForTimeout(300);
    await accessible(page, `start, ${colorScheme}`);
    await page.setInputFiles("#file", astronaut);
    await page.waitForSelector('body[data-state="still"]');
    await accessible(page, `still, ${colorScheme}`);
    for (const button of ["#measure-open", "#about-open"]) {
      await page.click(button);
      await accessible(page, `${button}, ${colorScheme}`);
      await page.keyboard.press("Escape");
    }
    await page.context().close();
  }
}

export async function by_keyboard_alone({ open }) {
  const page = await open();
  const reached = [];
  for (let k = 0; k < 5; k++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(reached.slice(0, 4), ["measure-open", "about-open", "start", "pick"]);
  await page.focus("#start");
  await page.keyboard.press("Enter");
  await page.waitForSelector('body[data-state="live"]');
  await page.focus('input[value="blur"]');
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getAttribute("body", "data-look"), "clear");
}

export async function little_moves_where_little_shall({ live }) {
  const page = await live({ reducedMotion: "reduce" });
  const moving = await page.evaluate(() => {
    document.querySelector("#badge").hidden = false;
    const style = (selector) => getComputedStyle(document.querySelector(selector));
    return [style("#badge i").animationName, style("#toast").transitionDuration, style("#shoot i").transitionDuration];
  });
  assert.deepEqual(moving.map((value) => value.replace("0s", "none")), ["none", "none", "none"]);
}

/** What a person may see beside the picture, for eyes to judge: app/e2e/shots. */
export async function every_view_fits_a_small_phone({ live, frames, shots }) {
  for (const [name, options] of [["small", { viewport: { width: 360, height: 640 }, colorScheme: "light" }], ["desk", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }]]) {
    const page = await live(options);
    const look = async (view) => {
      await page.screenshot({ path: join(shots, `${name}-${view}.png`) });
      const wide = await page.evaluate(() => [...document.querySelectorAll("dialog[open], #controls, #trouble, #update")].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id));
      assert.deepEqual(wide, [], `${name}, ${view}: wider than the screen`);
      const small = await page.evaluate(() => [...document.querySelectorAll("button, #options label, #swatches label")].map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
        .filter(([, box]) => box.width && (box.width < 44 || box.height < 44)).map(([what, box]) => `${what} is ${box.width} x ${box.height}`));
      assert.deepEqual(small, [], `${name}, ${view}`);
    };
    await look("live");
    await page.click("#record");
    await page.waitForSelector("#badge:not([hidden])");
    await page.waitForTimeout(1200);
    await frames(page, 2);
    await look("recording");
    await page.click("#record");
    await page.waitForSelector("#result-view video");
    await look("clip");
    await page.click("#result-close");
    await page.click("#shoot");
    await page.waitForSelector("#result-view img");
    await look("photo");
    await page.keyboard.press("Escape");
    for (const view of ["measure", "about"]) {
      await page.click(`#${view}-open`);
      await look(view);
      await page.keyboard.press("Escape");
    }
    await page.evaluate(() => (document.querySelector("#update").hidden = false));
    await look("update");
    await page.evaluate(() => (document.querySelector("#update").hidden = true));
    await page.evaluate(() => document.querySelector("#video").srcObject.getVideoTracks()[0].dispatchEvent(new Event("ended")));
    await page.waitForSelector("#trouble:not([hidden])");
    await look("trouble");
    await page.context().close();
  }
}

export async function fits_phones_and_desktops({ open, shots }) {
  const screens = [["phone-small", 360, 640], ["phone", 390, 844], ["phone-wide", 740, 360], ["desktop", 1280, 800]];
  for (const [name, width, height] of screens) {
    const page = await open({ viewport: { width, height }, colorScheme: name === "phone-small" ? "light" : "dark" });
    await page.screenshot({ path: join(shots, `${name}-start.png`) });
    await page.setInputFiles("#file", astronaut);
    await page.waitForSelector('body[data-state="still"]');
    await page.check('input[value="dawn"]');
    await page.screenshot({ path: join(shots, `${name}.png`) });
    const picture = { phone: "app", desktop: "app-desktop" }[name]; // of the documents, where they are to be made anew
    if (picture && process.env.E2E_PICTURES) await page.screenshot({ path: new URL(`../../docs/${picture}.jpg`, import.meta.url).pathname, type: "jpeg", quality: 86 });
    const wrong = await page.evaluate(() => {
      const [w, h] = [innerWidth, innerHeight];
      const bad = [];
      if (document.documentElement.scrollWidth > w) bad.push("the page scrolls sideways");
      for (const button of document.querySelectorAll("button")) {
        const box = button.getBoundingClientRect();
        if (!box.width) continue;
        if (box.width < 44 || box.height < 44) bad.push(`${button.id} is ${box.width} x ${box.height}`);
        if (box.left < 0 || box.right > w || box.top < 0 || (box.bottom > h && !button.closest("#controls"))) bad.push(`${button.id} is off the screen`);
      }
      const stage = document.querySelector("#stage").getBoundingClientRect();
      if (stage.height < 0.3 * h) bad.push(`the picture is only ${stage.height} high`);
      if (document.querySelector("#shoot").getBoundingClientRect().bottom > h) bad.push("the shutter is below the screen");
      return bad;
    });
    assert.deepEqual(wrong, [], name);
    await page.context().close();
  }
}

export async function a_slow_phone_skips_frames_and_queues_none({ live, frames }) {
  const page = await live();
  const client = await page.context().newCDPSession(page);
  await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await frames(page, 3);
  const { shown, skipped, latency } = await page.evaluate(() => {
    const { live, timing } = window.fastportrait;
    return { shown: live.shown, skipped: live.skipped, latency: timing.latency };
  });
  assert.ok(shown >= 4 && skipped >= 1, `${shown} shown, ${skipped} skipped`);
  assert.ok(latency < 20_000, `a frame waited ${latency} ms`);
  await page.check('input[value="white"]');
  assert.equal(await page.getAttribute("body", "data-look"), "colour");
}

export async function measures_the_phone({ live, shots, saved, python }) {
  const page = await live({ viewport: { width: 360, height: 740 } });
  await page.evaluate(() => (document.querySelector('input[name="minutes"][value="1"]').value = "0.1"));
  await page.click("#measure-open");
  await page.check('input[name="minutes"][value="0.1"]');
  await page.click("#measure-start");
  await page.waitForSelector("#measure-save:not([hidden])");
  await page.screenshot({ path: join(shots, "measured.png") });
  const { path } = await saved(page, "#measure-save");
  const kept = mkdtempSync(join(tmpdir(), "phones-"));
  const said = execFileSync(python, ["-m", "fastportrait", "bench", "--import", path, "--phones", kept], { encoding: "utf8" });
  assert.match(said, /Chrom/);
  assert.equal(readdirSync(kept).length, 1);
  rmSync(kept, { recursive: true });
  const result = JSON.parse(readFileSync(path, "utf8"));
  assert.equal(result.schema, "phone/1");
  const kinds = (value) => (Array.isArray(value) ? [kinds(value[0])] : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, kinds(v)])) : typeof value);
  assert.deepEqual(kinds(result), {
    schema: "string", date: "string", app: "string", model: { name: "string", sha256: "string", file: "string" },
    device: { name: "string", platform: "string", browser: "string" }, runtime: { name: "string", backend: "string", threads: "number" },
    protocol: "string", camera: { width: "number", height: "number", fps: "number" }, minutes: "number",
    samples: [{ t_s: "number", network_ms: "number", latency_ms: "number", fps: "number" }],
    summary: { network_ms_p50: "number", network_ms_p95: "number", latency_ms_p50: "number", latency_ms_p95: "number", fps: "number" },
  });
  const { summary } = result;
  assert.ok(summary.network_ms_p50 > 0 && summary.network_ms_p50 <= summary.network_ms_p95);
  assert.ok(summary.latency_ms_p50 >= summary.network_ms_p50 && summary.fps > 0);
  assert.deepEqual([result.camera.width, result.camera.height], [640, 480]);
  assert.match(result.device.browser, /Chrom/);
  assert.match(await page.textContent("#numbers"), /Camera to display\d+\sms95 % within \d+\sms/);
  const lines = await page.$$eval("#chart polyline", (lines) => lines.map((line) => line.getAttribute("points").split(" ").length));
  assert.deepEqual(lines, [result.samples.length, result.samples.length]);
  assert.match(await page.getAttribute("#chart", "aria-label"), /Frames per second: [\d.]+/);
}

export async function offline_after_the_first_load_and_updated_when_asked({ live, frames, open, built }) {
  let build = "first";
  const change = (name, body) =>
    build === "first" ? body
    : name === "sw.js" ? Buffer.from(body.toString().replace(/fastportrait-[0-9a-f]{16}/, "fastportrait-00000000000000ff"))
    : name === "index.html" ? Buffer.from(body.toString().replace("<title>fastportrait", "<title>fastportrait 2")) : body;
  const at = await serve(built, { change });
  const page = await open({ at });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);

  build = "second";
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
  await page.waitForSelector("#update:not([hidden])");
  assert.equal(await page.title(), "fastportrait", "the old build was mixed with the new one");
  await Promise.all([page.waitForEvent("load"), page.click("#update-now")]);
  assert.equal(await page.title(), "fastportrait 2");
  assert.equal((await page.evaluate(() => caches.keys())).length, 1);

  at.close();
  await page.context().setOffline(true);
  await page.reload();
  await page.click("#start");
  await frames(page, 1);
}

export async function nothing_from_elsewhere_and_below_12_MB({ open, built }) {
  const elsewhere = [];
  const page = await open();
  page.on("request", (request) => /^https?:/.test(request.url()) && new URL(request.url()).hostname !== "localhost" && elsewhere.push(request.url()));
  await page.reload();
  await page.setInputFiles("#file", astronaut);
  await page.waitForSelector('body[data-state="still"]');
  assert.deepEqual(elsewhere, []);
  const names = await page.evaluate(async () => (await (await caches.open((await caches.keys())[0])).keys()).map((request) => new URL(request.url).pathname.slice(1)));
  const bytes = names.filter(Boolean).reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name))).length, 0);
  console.log(`     first load: ${names.length} files, ${(bytes / 1e6).toFixed(2)} MB compressed`);
  assert.ok(names.length > 8 && bytes < 12e6);
  const later = readdirSync(join(built, "assets")).filter((name) => !names.includes(`assets/${name}`));
  const more = later.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, "assets", name))).length, 0);
  console.log(`     with WebGPU: ${later.length} files and ${(more / 1e6).toFixed(2)} MB more`);
  assert.ok(later.some((name) => /webgpu/.test(name)) && bytes + more < 12e6);
  const [model] = names.filter((name) => name.endsWith(".onnx"));
  assert.ok(readFileSync(join(built, model)).length < 1e6, "the model is not below 1 MB");
}

export async function memory_stays_flat({ live, frames, browser }) {
  const page = await live();
  const client = await page.context().newCDPSession(page);
  const minutes = Number(process.env.E2E_MINUTES ?? 0);
  const session = await browser.newBrowserCDPSession();
  /** MB of all the browser's processes that are their own: the heap is not all, there are the worker's memory and the GPU's. */
  const resident = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    let sum = 0;
    for (const { id } of processInfo)
      try {
        sum += Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]) / 1024;
      } catch {
        // another system than Linux, or a process that has just ended
      }
    return sum;
  };
  const used = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    const { metrics } = await client.send("Performance.getMetrics");
    return { heap: usedSize, resident: await resident(), nodes: metrics.find(({ name }) => name === "Nodes").value };
  };
  await client.send("Performance.enable");
  await frames(page, 4);
  const before = await used();
  const end = Date.now() + minutes * 60_000;
  do for (let k = 0; k < 12; k++) await frames(page, 1);
  while (Date.now() < end);
  const after = await used();
  const shown = await page.evaluate(() => window.fastportrait.live.shown);
  console.log(`     ${shown} frames in ${minutes} min: heap ${((after.heap - before.heap) / 1e6).toFixed(2)} MB more, processes ${(after.resident - before.resident).toFixed(0)} MB more than ${before.resident.toFixed(0)}`);
  assert.ok(after.heap - before.heap < 1.5e6, `the heap grew by ${after.heap - before.heap} bytes`);
  assert.ok(after.nodes - before.nodes < 50, `${after.nodes - before.nodes} more nodes`);
}
