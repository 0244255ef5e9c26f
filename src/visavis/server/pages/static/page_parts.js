// Parts of a page that are taken from the server again, as it would render them now.

import { describeProblem } from "./api.js";
import { showLocally } from "./local_values.js";
import { text } from "./texts.js";

const SHORTEST = 1000; // milliseconds between two refreshes

export class PageParts {
  // `ids` are the elements to replace, `place` is where problems are shown; `beforeShown` gets the page that comes.
  constructor(ids, place, { beforeShown = () => {}, afterShown = () => {} } = {}) {
    Object.assign(this, { ids, place, beforeShown, afterShown });
    this.isPaused = false; // by the user
    this.hasEnded = false; // the session has: tried again when the user comes back to this tab
    this.isWanted = false;
    this.isBusy = false;
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
      const answer = await fetch(location.href, { headers: { "x-refresh": "1" } });
      if (answer.redirected || answer.status === 401) return this.end();
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      showLocally(page);
      this.beforeShown(page);
      for (const id of this.ids) replace(document.getElementById(id), page.getElementById(id));
      this.afterShown();
      this.place.querySelector("[data-refresh]")?.remove();
    } catch {
      this.tell({ code: "offline" }, { kept: text("page.goes_on"), retry: () => this.refresh() });
    }
  }

  end() {
    this.hasEnded = true;
    this.tell({ code: "unauthorized", status: 401 });
  }

  // Says why the parts are not taken again, until they are; other notices stay.
  tell(problem, options) {
    const notice = describeProblem(problem, options);
    notice.dataset.refresh = problem.code;
    this.place.querySelector("[data-refresh]")?.remove();
    this.place.append(notice);
  }
}

// Replaces a part where it differs. The button of an item, by its data-item, keeps the focus, or its successor gets it.
function replace(former, current) {
  if (!former || !current || former.innerHTML === current.innerHTML) return;
  const focused = former.contains(document.activeElement) ? document.activeElement : null;
  const item = focused?.closest("[data-item]")?.dataset.item;
  const scrolled = former.querySelector(".table")?.scrollLeft;
  former.replaceWith(document.adoptNode(current));
  if (scrolled) current.querySelector(".table").scrollLeft = scrolled;
  if (item === undefined) return;
  const same = [...current.querySelectorAll("[data-item]")].find((part) => part.dataset.item === item);
  const button = same?.querySelector("button");
  button?.removeAttribute("hidden");
  button?.focus();
}

// Shows the buttons of items, which work with scripts alone, and lets them do `work(item, action)`.
export function prepareButtons(work) {
  for (const button of document.querySelectorAll("button[data-action]")) {
    button.hidden = false;
    button.onclick = () => work(button.closest("[data-item]").dataset.item, button.dataset.action);
  }
}
