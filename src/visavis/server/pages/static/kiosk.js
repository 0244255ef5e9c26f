// The kiosk: a person in front of it is recognized, or types a number and a PIN, or shows a badge; and can undo that.

import { ask, describeProblem, key, Problem } from "./api.js";
import { element } from "./dom.js";
import { drawId, grabMany, watchPeople } from "./kiosk_camera.js";
import { forgetPage, keepPage } from "./kiosk_offline.js";
import { PunchQueue } from "./kiosk_queue.js";
import { isStuck, postWithin, sendWaiting } from "./kiosk_sending.js";
import { playSound } from "./kiosk_sound.js";
import { countText, locale, text } from "./texts.js";

const settings = JSON.parse(document.getElementById("kiosk-settings").textContent);
const SHOWN = 3000; // milliseconds
const LONGEST = 8000; // milliseconds for an answer: a punch waits in the queue after that
const POLL = 15_000; // milliseconds between looks at the connection
const UPDATE = 600_000; // milliseconds between looks for another version of the server
const UNDONE = 10_000; // milliseconds in which the face of who has undone a punch does not punch again
const GOOD = ["recorded", "already", "saved", "kept"];
const place = (id) => document.getElementById(id);
const [advice, answer, connection, form] = ["advice", "answer", "connection", "typed"].map(place);
const { number, pin } = form.elements;
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: settings.zone });
const writeTime = (time) => clock.format(new Date(time));
const warning = element("p", { class: "notice warning", role: "alert" }); // of punches that signing out deletes
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
  advice.dataset.key = key;
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

// A punch that was typed: sent at once, else kept until the server can be reached. Those that wait go first, but for one
// of another employee that the server cannot take.
async function send(punch) {
  if (queue && (await queue.holds(punch, isStuck))) return keep(punch);
  const body = { id: punch.id, ...(punch.badge ? { badge: punch.badge } : { number: punch.number, pin: punch.pin }) };
  if (punch.direction) body.direction = punch.direction;
  try {
    take(await postWithin("/v1/kiosk/punches", body, LONGEST));
    tellConnection(true);
  } catch (problem) {
    if (mayPass(problem)) await keep(punch);
    else takeProblem(problem);
  }
}

// Whether a punch may be taken later. Who typed too many wrong PINs types again.
function mayPass({ code, name, status }) {
  return code === "offline" || name === "AbortError" || status >= 500 || (status === 429 && code !== "too_many_wrong");
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

// Ends when punches can wait, or cannot: then the kiosk works all the same.
function openQueue() {
  return new Promise((resolve) => {
    const onBlocked = () => resolve(sayAboutTabs("kiosk.older_tab"));
    const onLost = () => {
      queue = null;
      sayAboutTabs("kiosk.newer_tab");
    };
    useQueue(PunchQueue.open(key, { onBlocked, onLost })).then(resolve);
  });
}

async function useQueue(opening) {
  try {
    queue = await opening;
    sayAboutTabs("");
    await queue.prepare();
    await showQueue();
  } catch (problem) {
    if (!(problem instanceof Problem)) queue = null; // no HTTPS, or no storage: nothing can wait here
  }
}

function sayAboutTabs(key) {
  place("tabs").textContent = key && text(key);
}

let isSending = false;

// Sends what waits, in order; what the server refuses is shown, and what it does not answer waits on.
async function flush() {
  if (!queue || isSending) return;
  isSending = true;
  try {
    await navigator.locks.request("visavis-kiosk", () => sendWaiting(queue));
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
  const waiting = await queue.waiting();
  const count = waiting.length;
  if (!count) warning.remove();
  place("queued").textContent = count ? countText("kiosk.queued", count) : "";
  const stuck = waiting.filter(isStuck).map(({ made }) => element("li", {}, `${writeTime(made)}: ${text("kiosk.stuck")}`));
  place("stuck").replaceChildren(...stuck);
  const refused = await queue.refused();
  place("refused").replaceChildren(
    ...refused.map((punch) => {
      const { made, code } = punch;
      const known = ["wrong_credentials"].includes(code) ? text("kiosk.refused_wrong") : text("kiosk.refused_other");
      const close = () => queue.remove(punch).then(showQueue);
      const button = element("button", { type: "button", click: close }, text("kiosk.close"));
      return element("li", {}, element("span", {}, `${writeTime(made)}: ${known}`), button);
    }),
  );
}

function tellConnection(isThere) {
  const sentence = isThere ? "" : text("kiosk.no_connection");
  if (connection.textContent !== sentence) connection.textContent = sentence;
  const { recognizes, settings: { offline_frames: isKept } } = settings;
  place("keep").hidden = isThere || !recognizes || !isKept || !queue;
}

// Frames of who stands there, without a connection: they are recognized on the server, later.
async function keepFrames() {
  const [punch, video] = [{ id: drawId(), made: Date.now(), direction: form.elements.direction.value }, place("video")];
  try {
    const pictures = video.videoWidth ? await grabMany(video, settings.settings.frames) : [];
    const isKept = pictures.length === settings.settings.frames && (await queue.addFrames(punch, pictures));
    show(isKept ? "kept" : "failed", isKept ? { at: punch.made } : {});
    if (isKept) form.elements.direction.value = "";
  } catch {
    show("failed");
  }
  await showQueue();
}

async function look() {
  try {
    const { now } = await ask("GET", "/v1/kiosk", { signal: AbortSignal.timeout(LONGEST) });
    queue?.noteClock(Date.parse(now));
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
  place("keep").addEventListener("click", keepFrames);
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

const isIdle = () => answer.hidden && !number.value && !pin?.value && !place("strip").childElementCount;

// Signing out deletes all that the browser keeps of the kiosk: it needs a second click below the number of punches that wait.
function setUpSignOut() {
  const session = document.querySelector("form.session");
  session?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const count = queue ? (await queue.waiting()).length : 0;
    const sentence = count ? countText("kiosk.sign_out_loses", count) : "";
    if (sentence && !(warning.isConnected && warning.textContent === sentence)) {
      warning.textContent = sentence;
      place("faults").replaceChildren(warning);
      return;
    }
    await forgetPage().catch(() => {});
    session.submit();
  });
}

function showClock() {
  place("clock").textContent = clock.format(new Date());
}

async function start() {
  showClock();
  setInterval(showClock, 1000);
  setUpForm();
  setUpSignOut();
  number.focus();
  await openQueue();
  setInterval(look, POLL);
  keepPage(isIdle).then((update) => setInterval(update, UPDATE));
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
