// The built app on localhost, as `fastportrait app` serves it: types, security headers, nothing outside its folder.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
  ".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".png": "image/png",
};
const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `change(name, body)` may give another body: how a test publishes a new build. */
export function serve(folder, { isolated = false, change = (name, body) => body } = {}) {
  const fetched = [];
  const server = createServer((request, reply) => {
    const name = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname)).replace(/^\/+/, "") || "index.html";
    const headers = { "content-security-policy": CSP, "x-content-type-options": "nosniff", "cache-control": /^assets\//.test(name) ? "public, max-age=31536000, immutable" : "no-cache" };
    if (isolated) Object.assign(headers, { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp", "cross-origin-resource-policy": "same-origin" });
    try {
      const body = change(name, readFileSync(join(folder, name)));
      fetched.push(name);
      reply.writeHead(200, { ...headers, "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      reply.writeHead(404, headers).end();
    }
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ url: `http://localhost:${server.address().port}/`, fetched, close: () => (server.closeAllConnections(), server.close()) }),
    ),
  );
}
