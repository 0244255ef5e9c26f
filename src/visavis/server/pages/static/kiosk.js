// The kiosk: a person in front of it is recognized, or types a number and a PIN, or shows a badge; and can undo that.

import { ask, describeProblem, key, Problem } from "./api.js";
import { element } from "./dom.js";
import { drawId, watchPeople } from "./kiosk_camera.js";
import { PunchQueue } from "./kiosk_queue.js";
import { playSound } from "./kiosk_sound.js";
import { countText, locale, text } from "./texts.js";

const settings = JSON.parse(document.getElementById("kiosk-settings").textContent);
const SHOWN = 3000; // milliseconds
const LONGEST = 8000; // milliseconds for the answer to a punch, after which it waits in the queue
const POLL = 15_000; // milliseconds between looks at the connection
const UNDONE = 10_000; // milliseconds in which the face of who has undone a punch does not punch again
const GOOD = ["recorded", "already", "saved"];
const place = (id) => document.getElementById(id);
const [advice, answer, connection, form] = ["advice", "answer", "connection", "typed"].map(place);
const { number, pin } = form.elements;
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: settings.zone });
const writeTime = (time) => clock.format(new Date(time));
let queue = null;
let hidesAt = 0;
let undoneAt = 0;
let field = number;

// What a person reads after a punch, or instead of one, for three seconds.
function show(state, { name = "", at = null, direction = "unspecified" } = {}) {
  const lines = [element("p", { class: "verdict-line" }, text(`kiosk.state_${state}`))];
  if (name) lines.unshift(element("p", { class: "person" }, name));
  if (at) lines.push(element("p", { class: "moment" }, `${writeTime(at)} ${text(`kiosk.direction_${direction}`)}`));
  answer.replaceChildren(...lines);
  answer.dataset.state = state;
  answer.hidden = false;
  hidesAt = Date.now() + SHOWN;
  setTimeout(() => {
    if (Date.now() >= hidesAt - 10) answer.hidden = true;
  }, SHOWN);
  if (place("sound").checked) playSound(GOOD.includes(state));
}

function say(key) {
  const sentence = text(key);
  if (advice.textContent !== sentence) advice.textContent = sentence; // else it is read aloud again
}

// Undo for ten seconds, while the next person is recognized.
function offerUndo({ punch_id: id, name, at, direction }) {
  const what = `${name}, ${writeTime(at)} ${text(`kiosk.direction_${direction}`)}`;
  const undo = element("button", { type: "button", class: "large", click: goBack }, text("kiosk.undo"));
  const entry = element("li", {}, element("span", {}, what), undo);
  place("strip").prepend(entry);
  const timer = setTimeout(() => entry.remove(), settings.undo_seconds * 1000);
  async function goBack() {
    undo.disabled = true;
    clearTimeout(timer);
    try {
      await ask("POST", `/v1/kiosk/punches/${id}/undo`);
      undoneAt = Date.now();
      show("undone", { name });
      entry.remove();
    } catch (problem) {
      entry.replaceChildren(describeProblem(problem));
      setTimeout(() => entry.remove(), settings.undo_seconds * 1000);
    }
    number.focus();
  }
}

function take(result) {
  show(result.state, result);
  if (result.state === "recorded") offerUndo(result);
  if (GOOD.includes(result.state)) form.elements.direction.value = "";
}

function takeProblem(problem) {
  if (problem.status === 401 || problem.status === 403) return stopWith(problem);
  const state = problem.code === "wrong_credentials" ? "wrong" : problem.code === "too_many_wrong" ? "blocked" : "failed";
  show(state);
}

function stopWith(problem) {
  place("faults").replaceChildren(describeProblem(problem));
}

// A punch that was typed: sent at once, else kept until the server can be reached. Those that wait go first.
async function send(punch) {
  if (queue && (await queue.count()) > 0) return keep(punch);
  const body = { id: punch.id, ...(punch.badge ? { badge: punch.badge } : { number: punch.number, pin: punch.pin }) };
  if (punch.direction) body.direction = punch.direction;
  try {
    take(await askJson("/v1/kiosk/punches", body, LONGEST));
    tellConnection(true);
  } catch (problem) {
    if (problem.code !== "offline" && problem.name !== "AbortError" && problem.status < 500) return takeProblem(problem);
    await keep(punch);
  }
}

async function keep(punch) {
  if (!queue) return show("failed");
  try {
    await queue.add(punch);
  } catch {
    return show("failed");
  }
  show("saved", { at: punch.made });
  form.elements.direction.value = "";
  await flush();
}

async function askJson(path, body, longest) {
  const stopping = new AbortController();
  const timer = setTimeout(() => stopping.abort(), longest);
  try {
    const blob = new Blob([JSON.stringify(body)], { type: "application/json" });
    return await ask("POST", path, { body: blob, signal: stopping.signal });
  } finally {
    clearTimeout(timer);
  }
}

let isSending = false;

// Sends what waits, in order; what the server refuses is shown, and what it does not answer waits on.
async function flush() {
  if (!queue || isSending) return;
  isSending = true;
  try {
    await navigator.locks.request("visavis-kiosk", async () => {
      for (let next = await queue.first(); next; next = await queue.first()) {
        try {
          await askJson("/v1/kiosk/punches", next.body, LONGEST * 3);
          await queue.remove(next.order);
        } catch (problem) {
          if (![400, 409, 422].includes(problem.status)) throw problem; // 404: the server has no site now
          await queue.refuse(next.order, problem.code);
        }
      }
    });
    tellConnection(true);
  } catch (problem) {
    if (problem.status === 401 || problem.status === 403) stopWith(problem);
    tellConnection(problem.code !== "offline" && problem.name !== "AbortError");
  } finally {
    isSending = false;
    await showQueue();
  }
}

async function showQueue() {
  if (!queue) return;
  const count = await queue.count();
  place("queued").textContent = count ? countText("kiosk.queued", count) : "";
  const refused = await queue.refused();
  place("refused").replaceChildren(
    ...refused.map(({ order, made, code }) => {
      const known = ["wrong_credentials"].includes(code) ? text("kiosk.refused_wrong") : text("kiosk.refused_other");
      const close = () => queue.remove(order).then(showQueue);
      const button = element("button", { type: "button", click: close }, text("kiosk.close"));
      return element("li", {}, element("span", {}, `${writeTime(made)}: ${known}`), button);
    }),
  );
}

function tellConnection(isThere) {
  const sentence = isThere ? "" : text("kiosk.no_connection");
  if (connection.textContent !== sentence) connection.textContent = sentence;
}

async function look() {
  try {
    await ask("GET", "/v1/kiosk");
    tellConnection(true);
    place("faults").replaceChildren();
    if (queue) await queue.prepare();
    await flush();
  } catch (problem) {
    if (problem.status === 401 || problem.status === 403) stopWith(problem);
    else tellConnection(false);
  }
}

function setUpForm() {
  for (const input of [number, pin]) input?.addEventListener("focus", () => (field = input));
  const erase = () => (field.value = field.value.slice(0, -1));
  const type = (digit) => () => {
    field.value += digit;
    field.focus();
  };
  const letters = () => {
    number.inputMode = number.inputMode === "text" ? "none" : "text";
    number.blur();
    number.focus();
  };
  const digits = [..."123456789"].map((digit) => makeKey(digit, digit, type(digit)));
  const last = [makeKey(text("kiosk.letters"), text("kiosk.letters_hint"), letters), makeKey("0", "0", type("0")), makeKey("⌫", text("kiosk.erase"), erase)];
  place("keys").replaceChildren(...digits, ...last);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
}

const makeKey = (shown, name, click) => element("button", { type: "button", class: "large", "aria-label": name, click }, shown);

// What a badge's reader types ends with Enter, and has no PIN.
function submit() {
  const typed = number.value.trim();
  if (!typed) return number.focus();
  const secret = pin?.value ?? "";
  if (!secret && !settings.settings.badge) return pin.focus();
  const who = secret ? { number: typed, pin: secret, badge: "" } : { number: "", pin: "", badge: typed };
  const punch = { id: drawId(), made: Date.now(), direction: form.elements.direction.value, ...who };
  number.value = "";
  if (pin) pin.value = "";
  number.focus();
  send(punch);
}

function showClock() {
  place("clock").textContent = clock.format(new Date());
}

async function start() {
  showClock();
  setInterval(showClock, 1000);
  setUpForm();
  number.focus();
  try {
    queue = await PunchQueue.open(key);
    await queue.prepare();
    await showQueue();
  } catch (problem) {
    if (!(problem instanceof Problem)) queue = null; // no HTTPS, or no storage: nothing can wait here
  }
  setInterval(look, POLL);
  await look();
  if (!settings.recognizes) return say("kiosk.no_recognition");
  watchPeople(place("video"), {
    frames: settings.settings.frames,
    readDirection: () => form.elements.direction.value,
    isUndone: () => Date.now() - undoneAt < UNDONE && !form.elements.direction.value,
    onAway: () => (undoneAt = 0),
    say,
    onAnswer: take,
    onProblem: (problem) => {
      if (problem.status === 401 || problem.status === 403) stopWith(problem);
      else tellConnection(problem.code !== "offline");
    },
  });
}

start();
