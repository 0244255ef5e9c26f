// Lets the browser keep the page of the kiosk, so that it can be loaded without the server, in the version of the server.

const PREFIX = "visavis-kiosk-"; // of the caches of kiosk_worker.js

// `isIdle` says whether the page is not in use: it is loaded again then, after the server has another version.
// Returns a function that looks for another version.
export async function keepPage(isIdle) {
  if (!navigator.serviceWorker) return () => {}; // no HTTPS
  const [version] = import.meta.url.split("/").slice(-2);
  let isNew = false;
  navigator.serviceWorker.addEventListener("message", ({ data }) => (isNew = data !== version));
  navigator.serviceWorker.startMessages();
  setInterval(() => {
    if (isNew && isIdle()) location.reload();
  }, 1000);
  const options = { scope: "/kiosk", updateViaCache: "none" };
  const registration = await navigator.serviceWorker.register("/kiosk/worker.js", options).catch(() => null);
  return () => registration?.update().catch(() => {});
}

export async function forgetPage() {
  for (const name of await globalThis.caches?.keys() ?? []) if (name.startsWith(PREFIX)) await caches.delete(name);
  for (const registration of await navigator.serviceWorker?.getRegistrations() ?? []) await registration.unregister();
}
