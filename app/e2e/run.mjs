// The built app in headless Chromium, with a film as its camera: `npm run e2e [words of a test's name ...]`.
//
// CHROMIUM names the browser, PYTHON the interpreter that has fastportrait (for the film and its true masks).
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import * as agreement from "./agreement.mjs";
import * as cameras from "./cameras.mjs";
import * as making from "./making.mjs";
import * as page from "./page.mjs";
import * as phones from "./phones.mjs";
import * as served from "./served.mjs";
import * as troubles from "./troubles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "../../src/fastportrait/serve/static");
const film = join(here, "made");
const shots = join(here, "shots");
const python = process.env.PYTHON ?? ["../../.venv/bin/python", "../../.venv-demo/bin/python"].map((name) => join(here, name)).find(existsSync) ?? "python3";
if (!existsSync(join(built, "index.html"))) throw new Error("the app is not built; run: npm run build");
mkdirSync(shots, { recursive: true });
if (!existsSync(join(film, "11-alpha.png"))) execFileSync(python, [join(here, "camera.py"), film], { stdio: "inherit" });

const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
    "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${join(film, "camera.mjpeg")}`,
  ],
});
let browser = await launch();
const server = await serve(built);

/** What a test gives that did not run. */
const LEFT_OUT = "left out";
const complaints = [];
let forgiven = [];
/** What the console may say in this test, for it is what the test is about. */
const forgive = (...words) => forgiven.push(...words);
/** A page of its own context on the app; what it says on its console is kept. */
async function open({ permissions = ["camera"], path = "", at = server, init, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, permissions, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(180_000); // machines that build are busy
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  if (init) await page.addInitScript(init);
  await page.goto(at.url + path);
  return page;
}
/** Until `count` more frames were shown. */
async function frames(page, count = 2) {
  const before = await page.evaluate(() => window.fastportrait?.live.shown ?? 0);
  await page.waitForFunction((n) => (window.fastportrait?.live.shown ?? 0) >= n, before + count);
}
async function live(options) {
  const page = await open(options);
  await page.click("#start");
  await frames(page, 1);
  return page;
}

/** The file that a button gives. */
async function saved(page, button) {
  const saving = page.waitForEvent("download");
  await page.click(button);
  const download = await saving;
  return { name: download.suggestedFilename(), path: await download.path() };
}

const all = Object.entries({ ...agreement, ...cameras, ...making, ...troubles, ...page, ...phones, ...served }).filter(([name, test]) => typeof test === "function" && name !== "accessible");
const wanted = process.argv.slice(2);
const failures = [];
const start = Date.now();
for (const [name, test] of all) {
  const words = name.replace(/_/g, " ");
  if (wanted.length && !wanted.some((word) => words.includes(word))) continue;
  const from = Date.now();
  complaints.length = 0;
  forgiven = [];
  try {
    const outcome = await test({ browser, server, built, film, shots, python, open, live, frames, saved, forgive });
    const left = complaints.filter((line) => !forgiven.some((words) => words.test(line)));
    if (left.length) throw new Error(`on the console: ${left.join("; ")}`);
    console.log(`${outcome === LEFT_OUT ? "--  " : "ok  "} ${words} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures.push(words);
    console.log(`FAIL ${words}\n     ${error.stack ?? error}`);
  }
  for (const context of browser.contexts()) await context.close().catch(() => {});
  if (!browser.isConnected()) browser = await launch(); // one test that kills it must not fail all others
}
await browser.close();
server.close();
console.log(failures.length ? `\n${failures.length} failed: ${failures.join(", ")}` : `\nall is well (${Math.round((Date.now() - start) / 1000)} s)`);
process.exit(failures.length ? 1 : 0);
