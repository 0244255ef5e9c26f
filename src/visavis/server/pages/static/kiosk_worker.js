// The service worker of the kiosk: its page, and the files of it, are there without the server too. Nothing else is kept:
// no answer about a punch, and no name. The server puts `VERSION` and `FILES` before these lines.
/* global VERSION, FILES */

const PAGE = "/kiosk";
const PREFIX = "visavis-kiosk-";
const CACHE = PREFIX + VERSION;
const GATEWAY = [502, 503, 504]; // answers of a proxy whose server is down
const LONGEST = 8000; // milliseconds for the page, after which the one that is kept is shown

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) event.respondWith(showPage(request));
  else if (FILES.includes(pathname)) event.respondWith(readFile(request));
});

async function fill() {
  const page = await fetch(PAGE, { cache: "no-store" });
  if (!(await isOfVersion(page))) throw new Error("version");
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  await cache.put(PAGE, page);
  await self.skipWaiting();
}

async function takeOver() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
  for (const client of await self.clients.matchAll()) client.postMessage(VERSION);
}

// Its files have its version in their addresses.
async function isOfVersion(page) {
  return page.ok && !page.redirected && (await page.clone().text()).includes(`/${VERSION}/kiosk.js`);
}

// The newest page. Where the server leads elsewhere, the session has ended: nothing is kept of it.
async function showPage(request) {
  const cache = await caches.open(CACHE);
  const page = await fetchWhole(request).catch(() => null);
  if (!page || GATEWAY.includes(page.status)) return (await cache.match(PAGE)) ?? page ?? Response.error();
  if (await isOfVersion(page)) await cache.put(PAGE, page.clone());
  else if (page.type === "opaqueredirect") await cache.delete(PAGE);
  return page;
}

// An answer with all of its body, which may stall too.
async function fetchWhole(request) {
  const answer = await fetch(request, { signal: AbortSignal.timeout(LONGEST) });
  await answer.clone().arrayBuffer();
  return answer;
}

async function readFile(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? fetch(request);
}
