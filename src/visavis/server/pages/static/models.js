// The page of the models: files that are missing are fetched, and the speed of those that are there is measured.

import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { JobOrders } from "./job_orders.js";
import { text } from "./texts.js";

const orders = new JobOrders(["jobs", "models"], document.getElementById("result"), prepare);

orders.listen(document.getElementById("measure"), read, text("jobs.ordered"));

function read({ threads }) {
  const models = [...document.querySelectorAll('#measure [name="model"]:checked')].map((box) => box.value);
  return { path: "/v1/models/measure", order: { models, threads: Number(threads) } };
}

function prepare() {
  for (const button of document.querySelectorAll("button.fetch")) {
    button.hidden = false;
    button.onclick = () => fetchModel(button);
  }
}

// A license that forbids some uses is shown first: fetching accepts it.
async function fetchModel(button) {
  const { model, license, restricted } = button.dataset;
  const isRestricted = restricted !== undefined;
  if (isRestricted) {
    const words = [element("p", { lang: "en" }, license), element("p", {}, text("models.accept_help"))];
    const title = text("models.accept_title", { model });
    if (!(await openDialog(title, words, { action: text("models.accept") }))) return;
  }
  orders.order(button, `/v1/models/${encodeURIComponent(model)}/fetch`, { accept_license: isRestricted }, text("jobs.ordered"));
}
