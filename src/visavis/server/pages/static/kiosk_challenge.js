// A challenge: movements of the head that the server asks for. Frames are taken all the time, also while it answers.

import { ask } from "./api.js";

const APART = 100; // milliseconds between frames: five a second are needed at least
const LONGEST = 24_000; // milliseconds for an answer
const MOST = 6; // frames of a request

// Returns the answer once the challenge is over. `grab` takes a frame, `say` the key of the text that says what to do.
export async function followChallenge(video, answer, { grab, say }) {
  const [began, frames] = [performance.now(), []];
  let isOver = false;
  async function film() {
    while (!isOver && video.videoWidth) {
      const taken = Math.round(performance.now() - began);
      frames.push({ taken, picture: await grab(video) });
      await wait(APART);
    }
  }
  film();
  try {
    while (answer.challenge) {
      say(`kiosk.state_${answer.state}`);
      if (!video.videoWidth) return { state: "challenge_failed" }; // it was unplugged
      if (frames.length < 2) await wait(APART / 2);
      else answer = await send(answer.challenge, thinOut(frames.splice(0)));
    }
  } finally {
    isOver = true;
  }
  return answer;
}

function send(challenge, frames) {
  const body = new FormData();
  frames.forEach(({ picture }, row) => body.append("photo", picture, `frame${row}.jpg`));
  const times = frames.map((frame) => frame.taken).join();
  return ask("POST", `/v1/kiosk/challenges/${challenge}/frames?times=${times}`, { body, signal: AbortSignal.timeout(LONGEST) });
}

// Leaves out some of too many frames, at even distances; never the newest.
function thinOut(frames) {
  const step = Math.max(1, Math.ceil(frames.length / MOST));
  return frames.filter((_, row) => (frames.length - 1 - row) % step === 0);
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
