// The payroll page: its forms, and the deliveries to other systems, which are shown again while one is on its way.

import { prepare } from "./attendance.js";
import { PageParts } from "./page_parts.js";

const SECONDS = 2;
const parts = new PageParts(["deliveries"], document.getElementById("result"), { afterShown: prepare });

setInterval(() => {
  if (document.querySelector("#deliveries [data-running]")) parts.refresh();
}, SECONDS * 1000);
