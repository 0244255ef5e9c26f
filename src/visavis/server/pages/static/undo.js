// What was changed last, with a button that changes it back; it stays, on the next page too, until it is closed.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

const KEY = "visavis-undo";
const strip = element("div", { class: "undo", role: "status" });
document.body.append(strip);

// `steps` are requests that undo the change, in order, none where it cannot be undone; "{id}" in a path is the id of the
// first answer. `done` is the address of the page that shows what is restored; it may have "{id}" too.
export function offerUndo(sentence, steps = [], done = location.pathname + location.search) {
  sessionStorage.setItem(KEY, JSON.stringify({ sentence, steps, done }));
  showUndo();
}

export function showUndo() {
  const stored = sessionStorage.getItem(KEY);
  if (!stored) return;
  const change = JSON.parse(stored);
  const close = element("button", { type: "button", class: "quiet", click: forget }, text("people.close"));
  const undo = element("button", { type: "button", id: "undo", click: () => goBack(change) }, text("people.undo"));
  strip.replaceChildren(element("p", {}, change.sentence), ...(change.steps.length ? [undo] : []), close);
}

function forget() {
  sessionStorage.removeItem(KEY);
  strip.replaceChildren();
}

async function goBack({ steps, done, sentence }) {
  let id = null;
  try {
    for (const { method, path, body } of steps) {
      const answer = await ask(method, path.replace("{id}", id), body ? asJson(body) : {});
      id = id === null ? answer.id : id;
    }
  } catch (error) {
    strip.replaceChildren(element("p", {}, sentence), describeProblem(error));
    sessionStorage.removeItem(KEY);
    return;
  }
  sessionStorage.setItem(KEY, JSON.stringify({ sentence: text("people.undone"), steps: [], done: "" }));
  location.assign(done.replace("{id}", id));
}

export const asJson = (body) => ({ body: new Blob([JSON.stringify(body)], { type: "application/json" }) });
