// Frames of the kiosk's camera: one at a time for advice, several at once when a face can be recognized.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { followChallenge } from "./kiosk_challenge.js";

const SIZE = { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: "user", resizeMode: { ideal: "none" } };
const WIDEST = 800; // pixels of the frames that are sent
const PAUSE = 250; // milliseconds between an answer and the next frame
const APART = 150; // milliseconds between the frames of an attempt
const LONGEST = 24_000; // milliseconds for an answer
const AFTER_ANSWER = 1500;
const AFTER_CHALLENGE = 5000; // milliseconds to go away, before the next challenge
const AFTER_FAILURE = 3000;
const SAME_PERSON = 10_000; // milliseconds in which the same person gets once the answer that the punch is there
const DECIDED = ["recorded", "already", "unknown", "attack", "challenge_failed"];

// 32 hexadecimal digits at random.
export function drawId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Recognizes people for ever. `say` takes the key of a text with advice, `onAnswer` an answer of the server that is no
// advice, `onProblem` why there is none. While `isUndone` says that a person has just undone a punch, and may still stand
// there, no face is recognized; `onAway` hears that no person is there.
export async function watchPeople(video, { frames, readDirection, say, onAnswer, onProblem, isUndone, onAway }) {
  say("camera.starting");
  if (!(await openCamera(video, say))) return;
  let attempt = drawId();
  let last = { name: "", time: 0 };
  for (;;) {
    await wait(PAUSE);
    if (document.hidden || !video.videoWidth) continue;
    try {
      const first = await takeFrame(video);
      let answer = await judge([first.picture], attempt, readDirection());
      if (answer.state === "hold" && isUndone()) {
        say("kiosk.state_undone");
        continue;
      }
      if (answer.state === "hold") {
        say("kiosk.state_hold");
        answer = await judge(await grabMany(video, frames, first), attempt, readDirection());
      }
      const isChallenge = Boolean(answer.challenge);
      if (isChallenge) answer = await followChallenge(video, answer, { grab, say });
      if (!video.videoWidth) continue; // it was unplugged meanwhile
      if (!DECIDED.includes(answer.state)) {
        if (answer.state === "waiting") {
          attempt = drawId();
          onAway();
        }
        say(`kiosk.state_${answer.state}`);
        continue;
      }
      const isAgain = answer.state === "already" && answer.name === last.name && Date.now() - last.time < SAME_PERSON;
      if (answer.name) last = { name: answer.name, time: Date.now() };
      say(isAgain ? "kiosk.state_waiting" : `kiosk.state_${answer.state}`);
      if (!isAgain) onAnswer(answer);
      await wait(isChallenge ? AFTER_CHALLENGE : AFTER_ANSWER);
    } catch (problem) {
      onProblem(problem);
      say("kiosk.use_pin");
      await wait(Math.max(AFTER_FAILURE, 1000 * (problem.waitSeconds || 0)));
    }
  }
}

// The camera, again and again until there is one: it may be plugged in later.
async function openCamera(video, say) {
  for (;;) {
    if (!navigator.mediaDevices) {
      say("camera.withheld");
      return false;
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: SIZE });
      video.srcObject = stream;
      for (const track of stream.getTracks()) {
        track.addEventListener("ended", () => {
          video.srcObject = null; // else its last frame stays, and is sent
          openCamera(video, say);
        });
      }
      return true;
    } catch (error) {
      say(error.name === "NotAllowedError" ? "camera.refused" : "kiosk.no_camera");
      await wait(AFTER_FAILURE);
    }
  }
}

function judge(pictures, attempt, direction) {
  const body = new FormData();
  pictures.forEach((picture, row) => body.append("photo", picture, `frame${row}.jpg`));
  const query = new URLSearchParams({ punch_id: drawId(), attempt, ...(direction && { direction }) });
  return ask("POST", `/v1/kiosk/frames?${query}`, { body, signal: AbortSignal.timeout(LONGEST) });
}

// Returns frames of an attempt, as JPEG; the `first` of them may have been taken before.
export async function grabMany(video, count, first = null) {
  const frames = first ? [first] : [];
  while (frames.length < count) {
    if (frames.length) await wait(Math.max(0, frames.at(-1).time + APART - performance.now()));
    if (!video.videoWidth) break; // it was unplugged: too few frames name no employee
    frames.push(await takeFrame(video));
  }
  return frames.map(({ picture }) => picture);
}

async function takeFrame(video) {
  const time = performance.now();
  return { picture: await grab(video), time };
}

async function grab(video) {
  const scale = Math.min(1, WIDEST / Math.max(video.videoWidth, video.videoHeight));
  const size = { width: Math.round(video.videoWidth * scale), height: Math.round(video.videoHeight * scale) };
  const canvas = element("canvas", size);
  canvas.getContext("2d").drawImage(video, 0, 0, size.width, size.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
