// Parts of a page replaced by what the server shows now, so that the page has one form: that of its template.

import { Problem } from "./api.js";
import { showLocally } from "./local_values.js";

// Returns the element of an id as the server shows it now. Throws Problem where the server cannot be reached, the session
// has ended, or the page that came has no such element; AbortError.
export async function loadPart(id, address = location.href, { signal } = {}) {
  const { answer, content } = await load(address, signal);
  if (new URL(answer.url).pathname === "/sign-in") throw new Problem("unauthorized", 401, "");
  const part = new DOMParser().parseFromString(content, "text/html").getElementById(id);
  if (part) return part;
  throw new Problem(answer.status === 404 ? "unknown_name" : `http_${answer.status}`, answer.status, "");
}

async function load(address, signal) {
  try {
    const answer = await fetch(address, { signal });
    return { answer, content: await answer.text() };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("offline", 0, "");
  }
}

// Replaces what is in the element of an id. The focus stays on the element of its id. Throws as `loadPart`.
export async function refreshPart(id, address = location.href, options = {}) {
  const next = await loadPart(id, address, options);
  const focused = document.activeElement ? document.activeElement.id : "";
  const former = document.getElementById(id);
  former.replaceChildren(...next.childNodes);
  showLocally(former);
  const place = focused && document.getElementById(focused);
  if (place && document.activeElement !== place) place.focus({ preventScroll: true });
}
