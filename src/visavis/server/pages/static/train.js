// The page of the training: orders of classifiers, those that go on, and a button that deletes a classifier.

import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { chooseSource, inGallery, JobOrders } from "./job_orders.js";
import { text } from "./texts.js";

const form = document.getElementById("new");
const orders = new JobOrders(["jobs", "classifiers"], document.getElementById("result"), prepare);

if (form) {
  chooseSource(form);
  orders.listen(form, read, text("jobs.ordered"));
}

function read({ classifier, source, gallery, folder, model, head, one_in: oneIn }) {
  const order = { classifier, head: head || null, fpir: 1 / Number(oneIn) };
  if (source === "folder") return { path: "/v1/jobs/train", order: { ...order, folder, model } };
  return { path: inGallery("/v1/jobs/train", gallery), order };
}

function prepare() {
  for (const section of document.querySelectorAll("[data-classifier]")) {
    const button = section.querySelector(".delete");
    if (!button) continue;
    button.hidden = false;
    button.onclick = () => remove(section.dataset.classifier);
  }
}

async function remove(name) {
  const warning = element("p", {}, text("train.delete_effect"));
  if (!(await openDialog(text("train.delete_title", { name }), [warning], { action: text("train.delete") }))) return;
  orders.attempt("DELETE", `/v1/classifiers/${encodeURIComponent(name)}`, {}, () => remove(name));
}
