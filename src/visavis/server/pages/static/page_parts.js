// Parts of a page replaced by what the server shows now, so that the page has one form: that of its template.

import { describeProblem, Problem } from "./api.js";
import { showLocally } from "./local_values.js";
import { text } from "./texts.js";

const SHORTEST = 1000; // milliseconds between two refreshes by the page itself
const UNCHANGED = 204;

// Returns a page as the server shows it now, and its status. Throws Problem where the server cannot be reached, or leads
// to the sign-in; AbortError. `headers` are sent beside those of the browser.
async function loadPage(address, { signal, headers } = {}) {
  try {
    const answer = await fetch(address, { signal, headers });
    const isElsewhere = new URL(answer.url).pathname !== new URL(address, location.href).pathname;
    if (isElsewhere || answer.status === 401) throw new Problem("unauthorized", 401, "");
    return { page: new DOMParser().parseFromString(await answer.text(), "text/html"), status: answer.status };
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
    throw new Problem("offline", 0, "");
  }
}

// Returns the element of an id as the server shows it now. Throws as `loadPage`, and Problem where the page that came has
// no such element.
export async function loadPart(id, address = location.href, options = {}) {
  const { page, status } = await loadPage(address, options);
  const part = page.getElementById(id);
  if (part) return part;
  throw new Problem(status === 404 ? "unknown_name" : `http_${status}`, status, "");
}

let requests = 0;
const newest = new Map(); // the number of the request whose answer an element shows, by its id

// Replaces what is in the element of an id, unless a later request was answered sooner. Throws as `loadPart`.
export async function refreshPart(id, address = location.href, options = {}) {
  requests += 1;
  const request = requests;
  const part = await loadPart(id, address, options);
  if (request < (newest.get(id) ?? 0)) return;
  newest.set(id, request);
  replace(document.getElementById(id), part);
}

// Replaces what is in a part, and its attributes; listeners of the part stay. What has the focus keeps it: the element of
// its id, else the button or link of its item, by data-item.
function replace(former, current) {
  showLocally(current);
  const focused = former.contains(document.activeElement) ? document.activeElement : null;
  const item = focused?.closest("[data-item]")?.dataset.item;
  const scrolled = former.querySelector(".table")?.scrollLeft;
  for (const { name, value } of current.attributes) former.setAttribute(name, value);
  former.replaceChildren(...current.childNodes);
  if (scrolled) former.querySelector(".table").scrollLeft = scrolled;
  const same = focused && ((focused.id && document.getElementById(focused.id)) || findButton(former, item, focused.localName));
  same?.focus({ preventScroll: true });
}

function findButton(part, item, name) {
  if (item === undefined) return null;
  const same = [...part.querySelectorAll("[data-item]")].find(({ dataset }) => dataset.item === item);
  const button = same?.querySelector(name === "a" ? "a" : "button");
  button?.removeAttribute("hidden");
  return button;
}

// Parts that are replaced again and again, without the user, whose session does not go on by it.
export class PageParts {
  // `ids` are the elements to replace, `place` is where problems are shown; `beforeShown` gets the page that comes.
  // `readState` returns what the page shows, where the server may answer that there is nothing else.
  constructor(ids, place, { beforeShown = () => {}, afterShown = () => {}, readState = null } = {}) {
    Object.assign(this, { ids, place, beforeShown, afterShown, readState });
    this.isPaused = false; // by the user
    this.hasEnded = false; // the session has: tried again when the user comes back to this tab
    this.isWanted = false;
    this.isBusy = false;
    this.shown = new Map(); // the parts as they came, since scripts change them
    for (const change of ["online", "offline"]) addEventListener(change, () => this.refresh());
    document.addEventListener("visibilitychange", () => {
      this.hasEnded = false;
      this.refresh();
    });
  }

  // Takes the parts again, soon: calls within a second are one, and none is lost.
  async refresh() {
    this.isWanted = true;
    if (this.isBusy || this.isPaused || this.hasEnded || document.hidden) return;
    this.isBusy = true;
    while (this.isWanted && !this.isPaused && !this.hasEnded) {
      this.isWanted = false;
      await this.load();
      await new Promise((resume) => setTimeout(resume, SHORTEST));
    }
    this.isBusy = false;
  }

  async load() {
    try {
      const state = this.readState ? { "x-state": this.readState() } : {};
      const { page, status } = await loadPage(location.href, { headers: { "x-refresh": "1", ...state } });
      if (status === 200) {
        this.beforeShown(page);
        for (const id of this.ids) this.show(document.getElementById(id), page.getElementById(id));
        this.afterShown();
      } else if (status !== UNCHANGED) throw new Problem(`http_${status}`, status, "");
      this.place.querySelector("[data-refresh]")?.remove();
    } catch (problem) {
      this.hasEnded = problem.status === 401;
      const goesOn = { kept: text("page.goes_on"), retry: () => this.refresh() };
      this.showProblem(problem, this.hasEnded ? {} : goesOn);
    }
  }

  // Replaces a part where it has changed on the server: a selection in it stays as long as that is possible.
  show(former, current) {
    if (!former || !current || this.shown.get(former) === current.outerHTML) return;
    this.shown.set(former, current.outerHTML);
    replace(former, current);
  }

  // Says why the parts are not taken again, until they are; other notices stay.
  showProblem(problem, options) {
    const notice = describeProblem(problem, options);
    notice.dataset.refresh = problem.code;
    this.place.querySelector("[data-refresh]")?.remove();
    this.place.append(notice);
  }
}

// Shows the buttons of items, which work with scripts alone, and lets them do `work(item, action)`.
export function prepareButtons(work) {
  for (const button of document.querySelectorAll("button[data-action]")) {
    button.hidden = false;
    button.onclick = () => work(button.closest("[data-item]").dataset.item, button.dataset.action);
  }
}
