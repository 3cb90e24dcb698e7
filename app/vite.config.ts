/** The build: into the Python package, with a service worker that knows every file by its content's hash. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

const root = import.meta.dirname;
const out = join(root, "../src/fastportrait/serve/static");
const version = /^version = "([^"]+)"/m.exec(readFileSync(join(root, "../pyproject.toml"), "utf8"))?.[1] ?? "";
const portrait = JSON.parse(readFileSync(join(root, "model/portrait.json"), "utf8")) as {
  files: { onnx: { file: string; sha256: string } };
};

/** Refuses to build with another model than portrait.json describes. */
function model(): Plugin {
  return {
    name: "model",
    buildStart() {
      const { file, sha256 } = portrait.files.onnx;
      const bytes = readFileSync(join(root, "../src/fastportrait/weights", file));
      if (createHash("sha256").update(bytes).digest("hex") !== sha256)
        this.error(`weights/${file} is not the model of app/model/portrait.json; run: python scripts/app_model.py`);
    },
  };
}

/** Only devices with WebGPU need these: kept once they were used. */
const LATER = /asyncify|webgpu|0-(image|alpha)/;

function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    writeBundle() {
      const files = readdirSync(out, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(out, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .filter((name) => name !== "sw.js" && !name.endsWith(".map") && !LATER.test(name))
        .sort();
      const hash = createHash("sha256");
      for (const name of files) hash.update(name).update(readFileSync(join(out, name)));
      const text = readFileSync(join(root, "src/sw.js"), "utf8")
        .replace("__BUILD__", hash.digest("hex").slice(0, 16))
        .replace("__FILES__", JSON.stringify(files));
      writeFileSync(join(out, "sw.js"), text);
    },
  };
}

export default defineConfig({
  root,
  base: "./",
  define: { __VERSION__: JSON.stringify(version) },
  // ONNX Runtime Web without its wasm inside: the worker names the files
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"] },
  plugins: [model(), serviceWorker()],
  worker: { format: "es" },
  build: {
    outDir: out,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: ["es2022", "safari16", "chrome100", "firefox115"],
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
  server: { fs: { allow: [join(root, "..")] } },
  test: { root, include: ["test/**/*.test.ts"] },
});
