// Parts of a page replaced by what the server shows now, so that the page has one form: that of its template.

import { Problem } from "./api.js";
import { showLocally } from "./local_values.js";

// Replaces the element of an id, and returns it; null where the new page has none. The focus stays on the element of
// its id. Throws Problem where the server cannot be reached, or the session has ended.
export async function refreshPart(id, address = location.href) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Problem("offline", 0, "");
  }
  if (new URL(answer.url).pathname === "/sign-in") throw new Problem("unauthorized", 401, "");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement ? document.activeElement.id : "";
  const [former, next] = [document.getElementById(id), page.getElementById(id)];
  if (next) former.replaceChildren(...next.childNodes);
  showLocally(former);
  const place = focused && document.getElementById(focused);
  if (place && document.activeElement !== place) place.focus({ preventScroll: true });
  return next ? former : null;
}
