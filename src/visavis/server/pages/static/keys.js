// The page of the keys: create, rotate, revoke. What takes a key away is asked for twice, as nothing brings it back.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { showSecret } from "./new_secret.js";
import { refreshPart } from "./page_parts.js";
import { text } from "./texts.js";

const result = document.getElementById("result");
const form = document.getElementById("new");

form?.removeAttribute("hidden");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = new FormData(form);
  const { employee: hasEmployee, galleries: hasGalleries } = chosenRole();
  const galleries = !hasGalleries || chosen.get("all") ? null : chosen.getAll("gallery");
  if (galleries && galleries.length === 0) return form.querySelector('[name="gallery"]').focus();
  const employee = hasEmployee ? chosen.get("employee").trim() : null;
  create({ name: chosen.get("name").trim(), role: chosen.get("role"), galleries, employee });
});
form?.addEventListener("change", offerReach);
if (form) addEventListener("pageshow", offerReach); // a browser has restored what was chosen, without an event

// What the chosen role has: an employee, galleries.
function chosenRole() {
  const { dataset } = form.querySelector('[name="role"]:checked');
  return { employee: "employee" in dataset, galleries: "galleries" in dataset };
}

// Shows the fields that a key of the chosen role needs, and no others.
function offerReach() {
  const { employee, galleries } = chosenRole();
  document.getElementById("of-employee").hidden = !employee;
  document.getElementById("employee").required = employee;
  document.getElementById("of-galleries").hidden = !galleries;
}

async function create(order) {
  const body = new Blob([JSON.stringify(order)], { type: "application/json" });
  const made = await attempt(() => ask("POST", "/v1/keys", { body }), () => create(order));
  if (!made) return;
  form.reset();
  offerReach();
  showSecret(result, made);
  await refresh();
}

async function rotate(name) {
  const made = await attempt(() => ask("POST", `/v1/keys/${encodeURIComponent(name)}/rotate`), () => rotate(name));
  if (!made) return;
  showSecret(result, made);
  await refresh();
}

async function revoke(name) {
  const isDone = await attempt(
    async () => (await ask("DELETE", `/v1/keys/${encodeURIComponent(name)}`)) || true, () => revoke(name),
  );
  if (!isDone) return;
  result.replaceChildren(element("p", { class: "notice", role: "status" }, text("keys.is_revoked", { name })));
  await refresh();
}

let isBusy = false;

// Returns the answer; null where it is an error, which is then shown, and while another request runs.
async function attempt(work, again) {
  if (isBusy) return null;
  isBusy = true;
  result.replaceChildren();
  try {
    return await work();
  } catch (problem) {
    const retry = problem.status === 0 || problem.status >= 500 ? again : null;
    result.replaceChildren(describeProblem(problem, { retry, isOrder: true }));
    result.scrollIntoView({ block: "nearest" });
    return null;
  } finally {
    isBusy = false;
  }
}

// Takes the table anew from the server; it stays as it is where the session has ended with its own key, or offline.
async function refresh() {
  try {
    await refreshPart("keys");
  } catch {
    return;
  }
  offerActions();
}

function offerActions() {
  for (const cell of document.querySelectorAll("td.actions")) {
    const { name } = cell.dataset;
    const actions = [confirmed("keys.rotate", "keys.rotate_effect", name, () => rotate(name))];
    if (!("revoked" in cell.dataset)) actions.push(confirmed("keys.revoke", "keys.revoke_effect", name, () => revoke(name)));
    cell.replaceChildren(...actions);
  }
}

// A button that opens a dialog with the effect, and a button that does it.
function confirmed(key, effect, name, work) {
  const open = () => {
    const dialog = element("dialog", { "aria-labelledby": "confirm-title", close: () => dialog.remove() });
    const close = () => dialog.close();
    const go = () => {
      close();
      work();
    };
    dialog.append(
      element("h2", { id: "confirm-title" }, text(key), " ", name),
      element("p", {}, text(effect)),
      element(
        "div", { class: "row" },
        element("button", { type: "button", class: "primary", click: go }, text(key)),
        element("button", { type: "button", click: close }, text("keys.cancel")),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  };
  const label = `${text(key)} ${name}`;
  return element("button", { type: "button", class: "quiet", "aria-label": label, click: open }, text(key));
}

offerActions();
