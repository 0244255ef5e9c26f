// One evaluation, or two side by side: the distance scale of each, and a button that deletes it.

import { ask, describeProblem } from "./api.js";
import { openDialog } from "./dialog.js";
import { makeDistanceScale } from "./distance_scale.js";
import { element } from "./dom.js";
import "./local_values.js";
import { text } from "./texts.js";

const result = document.getElementById("result");

for (const place of document.querySelectorAll(".distances")) {
  const table = JSON.parse(place.dataset.scale);
  const rates = table.far_threshold.map(([far]) => far);
  const far = rates[Math.floor(rates.length / 2)];
  place.append(makeDistanceScale(table, { share: 1, distance: null, far, onChange: () => {} }));
}

for (const section of document.querySelectorAll("[data-evaluation]")) {
  const button = section.querySelector(".delete");
  button.hidden = false;
  button.addEventListener("click", () => remove(section.dataset.evaluation));
}

async function remove(id) {
  const warning = element("p", {}, text("evaluate.delete_effect"));
  const options = { action: text("evaluate.delete"), className: "primary" };
  if (!(await openDialog(text("evaluate.delete_title"), [warning], options))) return;
  try {
    await ask("DELETE", `/v1/evaluations/${id}`);
    location.assign("/evaluate");
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: () => remove(id) }));
    result.scrollIntoView({ block: "nearest" });
  }
}
