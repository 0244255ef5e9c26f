// The page of a day: it follows what happens today, and each open day is settled in a dialog, which a refresh leaves alone.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { showLocally } from "./local_values.js";
import { PageParts, refreshPart } from "./page_parts.js";
import { text } from "./texts.js";

const SECONDS = 3; // between two looks whether there is something new
const result = document.getElementById("result");
const today = document.getElementById("today");
const pause = document.getElementById("pause");
const parts = new PageParts(["heading", "today"], result, { afterShown: prepare, readState: () => today.dataset.state });

function prepare() {
  for (const button of today.querySelectorAll("[data-settle]")) {
    button.hidden = false;
    button.onclick = () => openChoice(button);
  }
  for (const button of today.querySelectorAll("[data-visitors]")) {
    button.hidden = false;
    button.onclick = () => settleVisitors(button);
  }
}

// Opens the ways to settle a day, of which a click does one, for the reason that is typed.
function openChoice(button) {
  const content = button.nextElementSibling.content.cloneNode(true);
  const id = `reason-${button.dataset.settle}`;
  const reason = element("input", { id, name: "reason", required: "", maxlength: 1000, autocomplete: "off" });
  const label = element("label", { for: id }, text("attendance_today.reason"));
  const place = element("div", { "aria-live": "polite" });
  const cancel = element("button", { type: "button", class: "quiet", click: () => dialog.close() }, text("attendance_today.cancel"));
  const form = element("form", { method: "dialog", class: "settle" }, label, reason);
  const title = content.querySelector("h2");
  title.id = "settle-title";
  showLocally(title);
  form.prepend(title);
  form.append(content, cancel, place);
  const dialog = element("dialog", { "aria-labelledby": "settle-title" }, form);
  for (const choice of form.querySelectorAll("[data-orders]")) {
    const orders = prepareOrders(choice.dataset.orders);
    choice.onclick = () => form.reportValidity() && settle(dialog, place, orders, reason.value.trim());
  }
  form.onsubmit = (event) => event.preventDefault(); // Enter chooses none of the ways
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  reason.focus();
}

// A punch has its id from the beginning: sent again after an answer that did not arrive, it is recorded once.
function prepareOrders(json) {
  const newId = () => crypto.getRandomValues(new Uint32Array(4)).reduce((id, part) => id + part.toString(16).padStart(8, "0"), "");
  return JSON.parse(json).map(({ path, body }) => ({ path, body: path.endsWith("/punches") ? { ...body, id: newId() } : body, answer: null }));
}

// Sends the orders that were not answered yet, one after the other.
async function settle(dialog, place, orders, reason) {
  const buttons = [...dialog.querySelectorAll("button[data-orders]")];
  for (const each of buttons) each.disabled = true;
  try {
    let id = "";
    for (const order of orders) {
      order.answer ??= await send(order.path.replace("{id}", encodeURIComponent(id)), { ...order.body, reason });
      id = order.answer.id;
    }
    dialog.close();
    await show(text("attendance_today.done"));
  } catch (problem) {
    place.replaceChildren(describeProblem(problem, { isOrder: true }));
    place.scrollIntoView({ block: "nearest" });
    for (const each of buttons) each.disabled = false;
  }
}

async function settleVisitors(button) {
  button.disabled = true;
  try {
    await send("/v1/attendance/refused/settle", JSON.parse(button.dataset.visitors));
    await show(text("attendance_today.done"));
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { isOrder: true }));
    button.disabled = false;
  }
}

const send = (path, body) => ask("POST", path, { body: new Blob([JSON.stringify(body)], { type: "application/json" }) });

async function show(sentence) {
  const notice = element("p", { class: "notice", role: "status", tabindex: "-1" }, sentence);
  const fault = await refreshPart("today").then(() => null, describeProblem); // the order is done all the same
  prepare();
  result.replaceChildren(notice, ...(fault ? [fault] : []));
  notice.focus();
}

prepare();
if (pause) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    parts.isPaused = !parts.isPaused;
    pause.setAttribute("aria-pressed", String(parts.isPaused));
    if (!parts.isPaused) parts.refresh();
  });
  setInterval(() => parts.refresh(), SECONDS * 1000);
}
