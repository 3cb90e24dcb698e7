// LiteRT.js and ONNX Runtime Web on one network, interleaved, in headless Chromium under the app's own CSP.
//
//   npm run measure -- SMALL.onnx SMALL.tflite [OTHER.tflite ...] [OUT.json] [--rounds=40] [--webgpu] [--threads]
//
// Each runs in a worker of its own, as in the app. A time is post to answer inside the worker: tensor in, network,
// alpha out. First load is what the page fetches for that runtime, gzip -9: wasm, its glue, the model.
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { build } from "vite";

const app = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const models = words.filter((word) => /\.(onnx|tflite)$/.test(word));
const out = words.find((word) => word.endsWith(".json"));
const gpu = words.includes("--webgpu");
const rounds = Number(words.find((word) => word.startsWith("--rounds="))?.slice(9)) || (gpu ? 1 : 40);
const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const SOFT = "--enable-unsafe-webgpu --enable-features=Vulkan,WebGPU --use-webgpu-adapter=swiftshader --use-vulkan=swiftshader --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist";

const folder = mkdtempSync(join(tmpdir(), "runtimes-"));
await build({
  root: app, configFile: false, logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "browser", "import", "module", "default"] },
  build: {
    outDir: folder, assetsInlineLimit: 0,
    // a classic worker for LiteRT.js (it calls importScripts), a module for ONNX Runtime Web (it calls import)
    lib: { entry: join(app, "measure/worker.ts"), formats: ["iife", "es"], name: "w", fileName: (format) => `${format}.js` },
  },
});
const modules = join(app, "node_modules");
const files = (path) =>
  path === "/" ? null
  : path === "/iife.js" || path === "/es.js" ? join(folder, path)
  : path.startsWith("/model/") ? models[Number(path.slice(7))]
  : path.startsWith("/onnx/") ? join(modules, "onnxruntime-web/dist", path.slice(6))
  : path.startsWith("/litert/") ? join(modules, "@litertjs/core/wasm", path.slice(8))
  : undefined;
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
let fetched = [];
const server = createServer((request, reply) => {
  const path = new URL(request.url, "http://x").pathname;
  const headers = { "content-security-policy": CSP, "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const file = files(path);
  if (file === undefined) return reply.writeHead(404, headers).end();
  const body = file ? readFileSync(file) : Buffer.from("<!doctype html><title>runtimes</title>");
  if (file) fetched.push({ path, bytes: body.length, gzip: gzipSync(body, { level: 9 }).length });
  reply.writeHead(200, { ...headers, "content-type": TYPES[extname(path)] ?? (file ? "application/octet-stream" : "text/html") }).end(body);
}).listen(0);
const url = `http://localhost:${server.address().port}/`;

const asks = (words.includes("--threads") ? [1, 2] : [1]).flatMap((threads) =>
  models.map((file, at) => ({
    runtime: file.endsWith(".onnx") ? "onnxruntime-web" : "litertjs", model: `/model/${at}`, file: basename(file), backend: gpu ? "webgpu" : "wasm", threads,
  })),
);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", ...(gpu ? SOFT.split(" ") : ["--disable-gpu"])] });
const page = await browser.newPage();
const said = [];
page.on("console", (message) => /content security|violates/i.test(message.text()) && said.push(message.text()));
await page.goto(url);
await page.evaluate(() => {
  window.workers = [];
  window.ask = (worker, message) => new Promise((done) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = (event) => done({ error: event.message });
    worker.postMessage(message);
  });
  window.image = new Float32Array(3 * 256 * 256).map((_, i) => ((i * 2654435761) % 256) / 255);
});
const rows = [];
for (const ask of asks) {
  fetched = [];
  const loaded = await page.evaluate(async (ask) => {
    const worker = ask.runtime === "litertjs" ? new Worker("/iife.js") : new Worker("/es.js", { type: "module" });
    window.workers.push(worker);
    return window.ask(worker, { ask });
  }, ask);
  const load = fetched.filter((f) => !/^.(iife|es).js$/.test(f.path));
  console.error(`${ask.runtime}, ${ask.file}, ${ask.backend}: ${loaded.error ?? `loaded in ${Math.round(loaded.ms)} ms`}`);
  rows.push({ ...ask, error: loaded.error ?? "", load_ms: loaded.ms ?? 0, files: load, times: [] });
}
const alphas = {};
for (let round = gpu ? -1 : -3; round < rounds; round++)
  for (const [i, row] of rows.entries()) {
    if (row.error) continue;
    const answer = await page.evaluate(
      ([i, keep]) => window.ask(window.workers[i], { image: window.image }).then((a) => ({ ...a, alpha: keep && a.alpha ? [...a.alpha] : [] })),
      [i, round === -1],
    );
    if (gpu) console.error(`round ${round}: ${answer.error ?? `${Math.round(answer.ms)} ms`}`);
    if (answer.error) row.error = answer.error;
    else if (round >= 0) row.times.push(answer.ms);
    if (round === -1) alphas[i] = answer.alpha;
  }
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0;
const base = alphas[rows.findIndex((r) => !r.error)] ?? [];
const result = {
  schema: "browser/1", date: new Date().toISOString().slice(0, 10),
  machine: { device: "cpu", cpu: cpus()[0].model, threads: cpus().length },
  browser: `Chromium ${browser.version()} headless`, csp: CSP, rounds,
  runtimes: rows.map((row, i) => ({
    runtime: row.runtime, model: row.file, version: JSON.parse(readFileSync(join(modules, row.runtime === "litertjs" ? "@litertjs/core" : "onnxruntime-web", "package.json"))).version,
    backend: row.backend, threads: row.threads, error: row.error,
    load_bytes: row.files.reduce((s, f) => s + f.bytes, 0), load_gzip_bytes: row.files.reduce((s, f) => s + f.gzip, 0),
    load_ms: Math.round(row.load_ms), ms_p50: quantile(row.times, 0.5), ms_p95: quantile(row.times, 0.95), ms_best: quantile(row.times, 0),
    max_difference: Math.max(0, ...(alphas[i] ?? []).map((v, j) => Math.abs(v - base[j]))),
  })),
  csp_reports: said.length,
};
console.log(JSON.stringify(result, null, 1));
if (out) writeFileSync(out, JSON.stringify(result, null, 2) + "\n");
await browser.close();
server.close();
rmSync(folder, { recursive: true });
