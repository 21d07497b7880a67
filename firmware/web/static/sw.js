// Keeps what may be read again while the unit cannot be reached: one's own page, what was found in the directory, and
// how pages look. The unit marks such pages; no other is kept. It decides nothing.
"use strict";
const PAGES = "pages-1", LOOKS = "looks-1", PAGES_MAX = 60, WAIT_MS = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => { if (event.data === "forget") event.waitUntil(caches.delete(PAGES)); });

self.addEventListener("fetch", (event) => {
  const { request } = event, place = new URL(request.url);
  if (place.origin !== location.origin) return;
  if (request.method === "POST" && place.pathname === "/sign-out") { event.waitUntil(caches.delete(PAGES)); return; }
  if (request.method !== "GET") return;
  if (place.pathname.startsWith("/static/")) event.respondWith(looks(request));
  else if (request.mode === "navigate" || request.headers.get("X-Part")) event.respondWith(page(request, place));
});

async function looks(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(LOOKS), name = new URL(request.url).pathname;
    for (const old of await cache.keys()) if (new URL(old.url).pathname === name) await cache.delete(old);
    await cache.put(request, answer.clone());
  }
  return answer;
}

async function page(request, place) {
  const key = `${place.pathname}${place.pathname === "/" ? "" : place.search}`;
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok && answer.headers.get("X-Keep") === "1") {
      const cache = await caches.open(PAGES), keys = await cache.keys();
      for (const old of keys.slice(0, Math.max(0, keys.length - PAGES_MAX))) await cache.delete(old);
      await cache.put(key, answer.clone());
    }
    return answer;
  } catch (fault) {
    const cache = await caches.open(PAGES), kept = await cache.match(key) || await cache.match("/");
    if (kept) return kept;
    throw fault;
  }
}
