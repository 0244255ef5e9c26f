// Forms that are orders about attendance: their fields are sent to the address of the form, as JSON.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import "./local_values.js";
import { refreshPart } from "./page_parts.js";

const result = document.getElementById("result");

export function prepare() {
  for (const place of document.querySelectorAll("[data-scripted]")) place.hidden = false;
  for (const form of document.querySelectorAll("form[data-order]")) {
    form.hidden = false;
    form.onsubmit = send;
    if (form.querySelectorAll("button").length > 1) form.onkeydown = chooseByButton;
    if (form.dataset.typed) {
      form.oninput = () => check(form);
      check(form);
    }
  }
}

// Enter in a field would take the first of several decisions, which cannot be undone.
function chooseByButton(event) {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
}

// What cannot be undone simply is typed again.
function check(form) {
  const { [form.dataset.typed]: field, typed } = form.elements;
  form.querySelector("button").disabled = !field.value || field.value !== typed.value.trim();
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const { path, order } = read(form, event.submitter);
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    const body = new Blob([JSON.stringify(order)], { type: "application/json" });
    await ask("POST", path, { body });
    form.reset();
    const notice = element("p", { class: "notice", role: "status", tabindex: "-1" }, form.dataset.done);
    const fault = await refreshPart("record").then(() => null, describeProblem); // the order is done all the same
    prepare();
    result.replaceChildren(notice, ...(fault ? [fault] : []));
    notice.focus();
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { isOrder: true }));
    result.scrollIntoView({ block: "nearest" });
  }
  for (const button of buttons) button.disabled = false;
  if (form.dataset.typed) check(form);
}

// Returns the address of an order with the fields that it names, and the other fields; empty ones are left out.
function read(form, submitter) {
  const order = {};
  let path = form.dataset.order;
  for (const [name, value] of new FormData(form, submitter)) {
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value.trim() && name !== "typed") order[name] = value.trim();
  }
  return { path, order };
}

prepare();
