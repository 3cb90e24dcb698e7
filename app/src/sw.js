// The service worker: every file of one build, kept together under the hash of them all, so that the page works
// offline and never mixes two builds. The build fills in the two names below.
const BUILD = "fastportrait-__BUILD__";
const FILES = __FILES__;
const HASHED = /^assets\//;

self.addEventListener("install", (event) => event.waitUntil(install()));

async function install() {
  const cache = await caches.open(BUILD);
  await Promise.all(
    FILES.map(async (name) => {
      const kept = HASHED.test(name) && (await caches.match(new URL(name, self.registration.scope).href));
      const answer = kept || (await fetch(name, { cache: HASHED.test(name) ? "default" : "no-cache" }));
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      await cache.put(name, answer);
      if (name === "index.html") await cache.put("./", (await cache.match(name)).clone());
    }),
  );
}

self.addEventListener("activate", (event) => event.waitUntil(activate()));

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith("fastportrait-") && name !== BUILD) await caches.delete(name);
  await self.clients.claim();
}

// A new build waits until the person asks for it, or the last page of the old one is closed.
self.addEventListener("message", ({ data }) => data === "now" && self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  const inside = url.href.slice(self.registration.scope.length).split(/[?#]/)[0];
  if (event.request.mode === "navigate" && inside === "") event.respondWith(caches.match("./").then((kept) => kept || fetch(event.request)));
  else if (FILES.includes(inside) || HASHED.test(inside)) event.respondWith(answer(event.request));
});

async function answer(request) {
  const kept = await caches.match(request, { ignoreSearch: true, ignoreVary: true });
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok && HASHED.test(new URL(request.url).href.slice(self.registration.scope.length)))
    await (await caches.open(BUILD)).put(request, fresh.clone());
  return fresh;
}
