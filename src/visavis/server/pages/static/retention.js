// The page of the retention: remove now what is due.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { refreshPart } from "./page_parts.js";
import { formatNumber, text } from "./texts.js";

const result = document.getElementById("result");
const run = document.getElementById("run");

async function remove() {
  run.disabled = true;
  try {
    const { removed } = await ask("POST", "/v1/retention/run");
    const counts = Object.fromEntries(Object.entries(removed).map(([kind, count]) => [kind, formatNumber(count)]));
    result.replaceChildren(element("p", { class: "notice", role: "status" }, text("retention.removed", counts)));
    await refreshPart("kinds");
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: remove }));
  }
  run.disabled = false;
}

run.hidden = false;
run.addEventListener("click", remove);
