// What was changed last, with a button that changes it back; it stays, on the next page too, until it is closed.

import { ask, describeProblem, key } from "./api.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

const ENTRY = "visavis-undo";
// Answers after which a request would fail again: what it is about has gone, or is another by now.
const FINAL = [404, 409, 422];
const MOST = 20; // changes that can be undone one after the other
const strip = element("div", { class: "undo", role: "status" });
document.body.append(strip);

// `steps` are requests that undo the change, in order, none where it cannot be undone; "{id}" in a path is the id of the
// first answer. `done` is the address of the page that shows what is restored; it may have "{id}" too. With `keepsFormer`
// the change before this one can be undone after it.
export function offerUndo(sentence, steps = [], done = location.pathname + location.search, { keepsFormer = false } = {}) {
  const former = keepsFormer ? read() : null;
  const before = former?.key === key ? list(former).filter((change) => change.steps.length) : [];
  store({ key, sentence, steps, done, id: null, before: before.slice(0, MOST - 1) });
  showUndo();
}

const read = () => JSON.parse(sessionStorage.getItem(ENTRY));
// A change and those before it, the newest first.
const list = ({ before = [], ...change }) => [{ ...change, isBefore: false }, ...before];

// Shows the last change that was made with the key of this page; that of another key is forgotten.
export function showUndo() {
  const change = read();
  if (!change) return;
  if (change.key !== key) return forget();
  const sentence = change.isBefore ? text("people.undone_before", change) : change.sentence;
  const undo = element("button", { type: "button", id: "undo", click: () => goBack(change) }, text("people.undo"));
  strip.replaceChildren(element("p", {}, sentence), ...(change.steps.length ? [undo] : []), makeClose());
}

const store = (change) => sessionStorage.setItem(ENTRY, JSON.stringify(change));
const makeClose = () => element("button", { type: "button", class: "quiet", click: forget }, text("people.close"));

function forget() {
  sessionStorage.removeItem(ENTRY);
  strip.replaceChildren();
}

// A step that fails is kept with those after it: they may be all that is left of a person.
async function goBack(change) {
  const left = { ...change, steps: [...change.steps] };
  for (const button of strip.querySelectorAll("button")) button.disabled = true;
  try {
    while (left.steps.length) {
      const [{ method, path, body }] = left.steps;
      const answer = await ask(method, path.replace("{id}", left.id), body ? asJson(body) : {});
      left.id ??= answer?.id;
      left.steps.shift();
      store(left);
    }
  } catch (error) {
    const isFinal = FINAL.includes(error.status);
    if (isFinal) sessionStorage.removeItem(ENTRY);
    const notice = describeProblem(error, { retry: isFinal ? null : () => goBack(left) });
    strip.replaceChildren(element("p", {}, left.sentence), notice, makeClose());
    return;
  }
  const [next, ...before] = left.before || [];
  const undone = { ...left, sentence: text("people.undone"), done: "", before: [], isBefore: false };
  store(next ? { ...next, before, isBefore: true } : undone);
  location.assign(left.done.replace("{id}", left.id));
}

// A body that is text is JSON already: that keeps numbers which a script would round.
export const asJson = (body) => ({
  body: new Blob([typeof body === "string" ? body : JSON.stringify(body)], { type: "application/json" }),
});
