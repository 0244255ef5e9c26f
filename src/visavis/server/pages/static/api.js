// Requests to the server with the session of the page, and its errors as notices.

import { element } from "./dom.js";
import { hasText, text } from "./texts.js";

export class Problem extends Error {
  constructor(code, status, detail) {
    super(detail || code);
    this.code = code;
    this.status = status;
    this.detail = detail;
  }
}

export const { key } = readSession(document);
let { token } = readSession(document);
// What a tab keeps of its pages ends with the session.
document.querySelector("form.session")?.addEventListener("submit", () => sessionStorage.clear());

// The name of the key of a page, and the token of its session; both are empty for the user of the machine itself.
function readSession(page) {
  const session = page.querySelector("form.session");
  return session ? { key: session.dataset.key, token: session.elements.csrf.value } : { key: "", token: "" };
}

// Returns the answer; throws Problem, also where the server cannot be reached, and AbortError.
// A token of a session that has ended is renewed where the user has signed in again, in another tab, with the same key.
// Nothing is done with another key than the page shows.
export async function ask(method, path, options = {}) {
  try {
    return await send(method, path, options);
  } catch (error) {
    if (error.code !== "wrong_csrf_token") throw error;
  }
  const page = await (await reach(location.href, { signal: options.signal })).text();
  const session = readSession(new DOMParser().parseFromString(page, "text/html"));
  if (session.key !== key) throw new Problem("another_key", 403, "");
  token = session.token;
  return send(method, path, options);
}

async function send(method, path, { body, signal }) {
  const answer = await reach(path, { method, body, signal, headers: { "x-csrf-token": token } });
  if (answer.status === 204) return null;
  const content = await answer.json().catch((error) => {
    if (!answer.ok && error.name !== "AbortError") return {};
    throw asProblem(error);
  });
  if (!answer.ok) {
    const problem = new Problem(content.code || `http_${answer.status}`, answer.status, content.detail || "");
    problem.waitSeconds = Number(answer.headers.get("retry-after"));
    throw problem;
  }
  return content;
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    throw asProblem(error);
  }
}

// An answer that does not come, or of which a part is missing.
function asProblem(error) {
  return error.name === "AbortError" ? error : new Problem("offline", 0, "");
}

const ABOUT_ORDERS = [404, 409, 422];

// Tells what went wrong, what was not lost, and what to do: sign in again, or `retry`. Where an order was refused for
// what stands in it, `isOrder` takes the sentence of the server, which names it.
export function describeProblem(problem, { kept = "", retry = null, isOrder = false } = {}) {
  const key = `problem.${problem.code}`;
  const sentence = element("p");
  const isNamed = isOrder && problem.detail && ABOUT_ORDERS.includes(problem.status);
  if (hasText(key) && !isNamed) sentence.textContent = text(key);
  else if (problem.detail) sentence.append(element("span", { lang: "en" }, problem.detail));
  else sentence.textContent = text("problem.unknown");
  const notice = element("div", { class: "notice danger", role: "alert" }, sentence);
  if (kept) notice.append(element("p", {}, kept));
  const row = element("div", { class: "row" });
  if (problem.status === 401) {
    const link = { class: "button", href: "/sign-in", target: "_blank" };
    row.append(element("a", link, text("problem.sign_in")));
  }
  if (problem.code === "another_key") {
    row.append(element("a", { class: "button", href: location.href }, text("problem.load_again")));
  } else if (retry) row.append(element("button", { type: "button", click: retry }, text("problem.retry")));
  row.append(element("span", { class: "muted" }, text("problem.code", { code: problem.code })));
  notice.append(row);
  return notice;
}

// Shows `waiting` in a place, unless the work ends within 300 ms.
export async function showWaiting(place, waiting, work) {
  const timer = setTimeout(() => place.replaceChildren(waiting), 300);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
