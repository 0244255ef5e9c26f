// The page of the jobs: their progress, and orders of new ones.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { PageParts, prepareButtons } from "./page_parts.js";
import { text } from "./texts.js";

const SOON = 2000; // milliseconds between two looks at jobs that go on
const LATER = 10000;
const result = document.getElementById("result");
const parts = new PageParts(["jobs"], result, { afterShown: prepare });

let timer = 0;

// Looks again soon where a job goes on.
function prepare() {
  prepareButtons(change);
  clearTimeout(timer);
  timer = setTimeout(() => {
    parts.refresh();
    prepare();
  }, document.querySelector("progress") ? SOON : LATER);
}

async function change(job, action) {
  await attempt("POST", `/v1/jobs/${job}/${action}`, {}, () => change(job, action));
}

async function attempt(method, path, options, again) {
  try {
    await ask(method, path, options);
    result.replaceChildren();
    parts.refresh();
    return true;
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: again, isOrder: true }));
    result.scrollIntoView({ block: "nearest" });
    return false;
  }
}

for (const form of document.querySelectorAll("form.order")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { gallery, ...order } = Object.fromEntries(new FormData(form));
    const body = new Blob([JSON.stringify(order)], { type: "application/json" });
    const query = gallery ? `?gallery=${encodeURIComponent(gallery)}` : "";
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true; // another press would order another job
    const isOrdered = await attempt("POST", `/v1/jobs/${form.dataset.kind}${query}`, { body }, null);
    button.disabled = false;
    if (!isOrdered) return;
    result.replaceChildren(element("p", { class: "notice", role: "status" }, text("jobs.ordered")));
    result.scrollIntoView({ block: "nearest" });
  });
}

prepare();
