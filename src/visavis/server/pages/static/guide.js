// The enrollment coach: a live camera, an oval, five marks that fill, and an instruction at a time.

import { ask, describeProblem } from "./api.js";
import { stop } from "./camera.js";
import { element, shape } from "./dom.js";
import { showQuality } from "./face_quality.js";
import { judgePicture, VIEWS } from "./guided_views.js";
import { text } from "./texts.js";

const SIZE = { width: { ideal: 1280 }, height: { ideal: 960 }, facingMode: "user" };
const WIDEST = 800; // pixels of the pictures that are judged, and enrolled
const SMALLEST_FACE = 60;
const PAUSE = 150; // milliseconds between an answer and the next picture

// Resolves to the pictures of the views that were taken, as files; to none where the user cancels.
export function guideViews() {
  const video = element("video", { autoplay: true, muted: true, playsinline: true, class: "mirrored", "aria-label": text("camera.view") });
  const oval = shape("svg", { viewBox: "0 0 4 3", class: "oval", "aria-hidden": "true" });
  oval.append(shape("ellipse", { cx: 2, cy: 1.5, rx: 0.8, ry: 1.1 }));
  const instruction = element("p", { class: "instruction", role: "status" }, text("camera.starting"));
  const quality = element("p", { class: "words" });
  const marks = new Map(VIEWS.map((view) => [view, makeMark(view)]));
  const done = element("button", { class: "primary", type: "button", disabled: true, click: () => finish() }, text("guide.done"));
  const cancel = element("button", { type: "button", click: () => dialog.close() }, text("camera.cancel"));
  const heading = element("h2", { id: "guide-title" }, text("guide.title"));
  const frame = element("div", { class: "view" }, video, oval);
  const list = element("ol", { class: "marks" }, ...marks.values());
  const row = element("div", { class: "row" }, done, cancel);
  const dialog = element("dialog", { "aria-labelledby": "guide-title", class: "guide" }, heading, frame, instruction, quality, list, row);
  const pictures = new Map();
  let reference = null;
  let isFinished = false;
  let stream = null;

  function finish() {
    isFinished = true;
    dialog.close();
  }

  const say = (key) => {
    if (instruction.textContent !== text(key)) instruction.textContent = text(key);
  };

  async function look() {
    while (dialog.open && pictures.size < VIEWS.length) {
      const picture = await grab(video);
      if (!picture) break;
      try {
        judge(picture, await measure(picture));
      } catch (error) {
        instruction.replaceChildren(describeProblem(error, { retry: look }));
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  function judge(picture, answer) {
    if (!dialog.open) return;
    const missing = VIEWS.filter((view) => !pictures.has(view));
    const { view, face, pose, instruction: fault } = judgePicture(answer, missing, reference);
    quality.replaceChildren(...(face ? [showQuality(face)] : []));
    if (!view) return say(`guide.${fault}`);
    pictures.set(view, new File([picture], `${view}.jpg`, { type: picture.type }));
    if (view === "front" && reference === null) reference = pose;
    fillMark(marks.get(view), view);
    done.disabled = false;
    const next = VIEWS.find((other) => !pictures.has(other));
    say(next ? `guide.turn_${next}` : "guide.complete");
    if (!next) done.focus();
  }

  document.body.append(dialog);
  dialog.showModal();
  navigator.mediaDevices.getUserMedia({ video: SIZE }).then(
    (opened) => {
      stream = opened;
      if (!dialog.open) return stop(stream);
      video.srcObject = stream;
      video.addEventListener("playing", look, { once: true });
    },
    (error) => say(error.name === "NotAllowedError" ? "camera.refused" : "camera.missing"),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (stream) stop(stream);
      dialog.remove();
      resolve(isFinished ? [...pictures.values()] : []);
    });
  });
}

function makeMark(view) {
  return element("li", { class: "mark-of-view", "data-view": view }, element("span", { "aria-hidden": "true" }, "○"), text(`guide.${view}`));
}

function fillMark(mark, view) {
  mark.classList.add("full");
  mark.firstChild.textContent = "●";
  mark.append(element("span", { class: "visually-hidden" }, text("guide.taken", { view: text(`guide.${view}`) })));
}

async function measure(picture) {
  const body = new FormData();
  body.append("photo", picture, "view.jpg");
  return (await ask("POST", `/v1/quality?min_face=${SMALLEST_FACE}`, { body })).photos[0];
}

// A picture of the camera as a JPEG; null where it shows none.
async function grab(video) {
  if (!video.videoWidth) return null;
  const scale = Math.min(1, WIDEST / video.videoWidth);
  const canvas = element("canvas", { width: Math.round(video.videoWidth * scale), height: Math.round(video.videoHeight * scale) });
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}
