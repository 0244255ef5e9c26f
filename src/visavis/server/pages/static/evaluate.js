// The page of the evaluations: orders of new ones, and those that go on.

import { chooseSource, inGallery, JobOrders } from "./job_orders.js";
import { text } from "./texts.js";

const chosen = new Set();
const form = document.getElementById("new");
const orders = new JobOrders(["jobs", "evaluations"], document.getElementById("result"), keepChosen);

// What was chosen stays chosen when the list is taken anew.
function keepChosen() {
  for (const box of document.querySelectorAll('#evaluations input[name="id"]')) {
    box.checked ||= chosen.has(box.value);
    box.addEventListener("change", () => (box.checked ? chosen.add(box.value) : chosen.delete(box.value)));
  }
}

chooseSource(form);
orders.listen(form, read, text("jobs.ordered"));

function read({ kind, source, gallery, folder, model }) {
  if (source === "folder") return { path: "/v1/evaluations", order: { kind, folder, model } };
  return { path: inGallery("/v1/evaluations", gallery), order: { kind } };
}
