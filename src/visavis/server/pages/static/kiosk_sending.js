// Sends the punches that wait: in their order, but one that the server cannot take does not hold those of others for ever.

import { ask } from "./api.js";

const TRIES = 3; // tries of a punch in a row, before those of other employees go on without it
const FIRST_REST = 30_000; // milliseconds until such a punch is tried again; twice as long after each further try
const LONGEST_REST = 600_000;
const PAUSE = 60; // seconds, where the server says that there were too many requests, but not how long to wait
const LONGEST = 24_000; // milliseconds for an answer
const REFUSED = [400, 409, 422];
const OF_ALL = [401, 403, 404]; // the session has ended, or the server has no site now
let pausedUntil = 0; // by performance.now(), which cannot be set

export const isStuck = ({ tries = 0 }) => tries >= TRIES;

// Throws why it ended before all were sent.
export async function sendWaiting(queue) {
  if (performance.now() < pausedUntil) return;
  const tried = new Set();
  for (let punch = await findNext(queue, tried); punch; punch = await findNext(queue, tried)) {
    tried.add(punch.order);
    try {
      const { path, body } = await queue.open(punch);
      await postWithin(path, body, LONGEST);
      await queue.remove(punch);
    } catch (problem) {
      if (REFUSED.includes(problem.status)) await queue.refuse(punch.order, problem.code);
      else await postpone(queue, punch, problem);
    }
  }
}

export async function postWithin(path, body, longest) {
  const stopping = new AbortController();
  const timer = setTimeout(() => stopping.abort(), longest);
  try {
    const blob = body instanceof FormData ? body : new Blob([JSON.stringify(body)], { type: "application/json" });
    return await ask("POST", path, { body: blob, signal: stopping.signal });
  } finally {
    clearTimeout(timer);
  }
}

// The oldest punch that may be sent now: no earlier one of the same employee waits on.
async function findNext(queue, tried) {
  const held = new Set();
  for (const punch of await queue.waiting()) {
    if (!tried.has(punch.order) && !held.has(punch.who) && !isResting(punch)) return punch;
    held.add(punch.who);
  }
  return null;
}

// The time of a clock that was set back is no reason to wait for it.
function isResting({ restsUntil = 0 }) {
  const left = restsUntil - Date.now();
  return left > 0 && left <= LONGEST_REST;
}

// Counts a try that failed. Throws where the others have to wait too.
async function postpone(queue, punch, problem) {
  if (problem.code === "offline" || OF_ALL.includes(problem.status)) throw problem;
  if (problem.status === 429) pausedUntil = performance.now() + 1000 * (problem.waitSeconds || PAUSE);
  else await ask("GET", "/v1/kiosk", { signal: AbortSignal.timeout(LONGEST) }); // else the server is what failed
  const tries = (punch.tries ?? 0) + 1;
  const rest = tries < TRIES ? 0 : Math.min(FIRST_REST * 2 ** (tries - TRIES), LONGEST_REST);
  await queue.postpone(punch.order, { tries, restsUntil: Date.now() + rest });
  if (problem.status === 429 || tries < TRIES) throw problem;
}
