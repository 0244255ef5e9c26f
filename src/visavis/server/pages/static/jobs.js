// The page of the jobs: their progress, and an order to index a folder.

import { inGallery, JobOrders } from "./job_orders.js";
import { text } from "./texts.js";

const orders = new JobOrders(["jobs"], document.getElementById("result"));

for (const form of document.querySelectorAll("form.order")) {
  const read = ({ gallery, ...order }) => ({ path: inGallery(`/v1/jobs/${form.dataset.kind}`, gallery), order });
  orders.listen(form, read, text("jobs.ordered"));
}
