// What pages that show jobs share: the jobs of the page are taken anew while they go on, canceled and resumed, and forms
// order others.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { PageParts, prepareButtons } from "./page_parts.js";

const SOON = 2000; // milliseconds between two looks at jobs that go on
const LATER = 10000;

export class JobOrders {
  // `ids` are the parts of the page to take anew, `result` is where answers are shown; `afterShown` prepares the parts.
  constructor(ids, result, afterShown = () => {}) {
    this.result = result;
    this.afterShown = afterShown;
    this.parts = new PageParts(ids, result, { afterShown: () => this.prepare() });
    this.timer = 0;
    this.prepare();
  }

  // Looks again soon where a job goes on.
  prepare() {
    prepareButtons((job, action) => this.change(job, action));
    this.afterShown();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.parts.refresh();
      this.prepare();
    }, document.querySelector("progress") ? SOON : LATER);
  }

  change(job, action) {
    return this.attempt("POST", `/v1/jobs/${job}/${action}`, {}, () => this.change(job, action));
  }

  // Returns whether the request was done; what went wrong is shown.
  async attempt(method, path, options = {}, again = null) {
    try {
      await ask(method, path, options);
      this.result.replaceChildren();
      this.parts.refresh();
      return true;
    } catch (problem) {
      this.result.replaceChildren(describeProblem(problem, { retry: again, isOrder: true }));
      this.result.scrollIntoView({ block: "nearest" });
      return false;
    }
  }

  // Sends an order, and says `sentence` once it is taken. A button that was pressed works again after the answer: another
  // press would order another job.
  async order(button, path, order, sentence) {
    if (button.disabled) return;
    button.disabled = true;
    const body = new Blob([JSON.stringify(order)], { type: "application/json" });
    const isOrdered = await this.attempt("POST", path, { body });
    button.disabled = false;
    if (!isOrdered) return;
    this.result.replaceChildren(element("p", { class: "notice", role: "status" }, sentence));
    this.result.scrollIntoView({ block: "nearest" });
  }

  // Lets a form order jobs: `read` returns the path and the order of its values.
  listen(form, read, sentence) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { path, order } = read(Object.fromEntries(new FormData(form)));
      this.order(form.querySelector("button.primary"), path, order, sentence);
    });
  }
}

// Shows the fields of the source that is chosen in a form: its parts with that data-source.
export function chooseSource(form) {
  const update = () => {
    const { value } = form.elements.source;
    for (const part of form.querySelectorAll("[data-source]")) part.hidden = part.dataset.source !== value;
  };
  form.addEventListener("change", update);
  update();
}

export const inGallery = (path, gallery) => (gallery ? `${path}?gallery=${encodeURIComponent(gallery)}` : path);
