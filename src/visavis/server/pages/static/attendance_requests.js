// Several requests are picked and decided at once, by mouse or by keyboard alone. A decision cannot be undone, so that it
// is confirmed, with the reason that the employees read.

import { ask, describeProblem } from "./api.js";
import { prepare } from "./attendance.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { refreshPart } from "./page_parts.js";
import { useShortcuts } from "./shortcuts.js";
import { countText, text } from "./texts.js";

const result = document.getElementById("result");
const record = document.getElementById("record");
const all = document.getElementById("pick-all");
const buttons = [...document.querySelectorAll("[data-decide]")];
const list = () => [...record.querySelectorAll("[data-pick]")];
const listPicked = () => list().filter((box) => box.checked);

function update() {
  const count = listPicked().length;
  for (const button of buttons) button.disabled = !count;
  all.checked = count > 0 && count === list().length;
  all.indeterminate = count > 0 && !all.checked;
}

function pickAll(isPicked) {
  for (const box of list()) box.checked = isPicked;
  update();
}

function move(step) {
  const boxes = list();
  const current = document.activeElement.closest?.("[data-item]");
  const place = boxes.findIndex((box) => box.closest("[data-item]") === current);
  const next = boxes[place < 0 ? 0 : Math.min(Math.max(place + step, 0), boxes.length - 1)];
  next?.focus();
  next?.closest("[data-item]").scrollIntoView({ block: "nearest" });
}

function pick() {
  const box = document.activeElement.closest?.("[data-item]")?.querySelector("[data-pick]");
  if (box) box.click();
}

async function decide(action) {
  const picked = listPicked();
  if (!picked.length) return;
  const reason = element("input", { id: "reason-of-many", maxlength: 1000, autocomplete: "off" });
  const label = element("label", { for: reason.id }, text("attendance_requests.reason"));
  const title = countText(`attendance_requests.${action}_many`, picked.length);
  const names = element("ul", {}, ...picked.map((box) => element("li", {}, nameOf(box))));
  if (!(await openDialog(title, [names, label, reason], { action: text(`attendance_requests.${action}`) }))) return;
  await send(picked, action, reason.value.trim());
}

const nameOf = (box) => box.closest("[data-item]").querySelector("h2").innerText.trim();

// Sends the decisions one after the other. Those that fail are named; where the server is away, the others wait.
async function send(picked, action, reason) {
  const failed = [];
  const body = new Blob([JSON.stringify(reason ? { reason } : {})], { type: "application/json" });
  let count = 0;
  for (const box of picked) {
    try {
      await ask("POST", `/v1/attendance/requests/${encodeURIComponent(box.dataset.pick)}/${action}`, { body });
      count += 1;
    } catch (problem) {
      failed.push(describeProblem(problem, { kept: text("attendance_requests.not_decided", { name: nameOf(box) }), isOrder: true }));
      if (!problem.status || problem.status === 401) break;
    }
  }
  const notice = element("p", { class: "notice", role: "status", tabindex: "-1" }, countText("attendance_requests.done_many", count));
  const fault = await refreshPart("record").then(() => [], (problem) => [describeProblem(problem)]);
  prepare();
  update();
  result.replaceChildren(...(count ? [notice] : []), ...failed, ...fault);
  if (count) notice.focus();
}

if (all) {
  all.addEventListener("change", () => pickAll(all.checked));
  record.addEventListener("change", update);
  for (const button of buttons) button.addEventListener("click", () => decide(button.dataset.decide));
  const keys = [
    ["j", text("attendance_requests.key_next"), () => move(1), true],
    ["k", text("attendance_requests.key_previous"), () => move(-1), true],
    ["x", text("attendance_requests.key_pick"), pick],
    ["*", text("attendance_requests.key_all"), () => pickAll(!all.checked)],
    ["a", text("attendance_requests.approve_picked"), () => decide("approve")],
    ["d", text("attendance_requests.decline_picked"), () => decide("decline")],
  ];
  useShortcuts(document.getElementById("shortcuts"), keys, text("attendance_requests.key_dialog"));
  update();
}
