// The page "People": the list follows the search while it is typed.

import { describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { refreshPart } from "./page_parts.js";
import { text } from "./texts.js";
import { showUndo } from "./undo.js";

const WAIT = 250;
const form = document.getElementById("find");
const search = document.getElementById("search");
let timer = 0;
let running = new AbortController();

// A search ends the one before it, whose answer may come later.
async function find() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const query = new URLSearchParams(new FormData(form));
  if (!search.value.trim()) query.delete("search");
  const address = query.size ? `/people?${query}` : "/people";
  const list = document.getElementById("list");
  try {
    const waiting = element("p", { class: "skeleton" }, text("people.loading"));
    await showWaiting(list, waiting, refreshPart("list", address, { signal }));
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") list.replaceChildren(describeProblem(error, { retry: find }));
  }
}

search.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(find, WAIT);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  find();
});
showUndo();
