// A photo from the camera, taken in a dialog.

import { element } from "./dom.js";
import { text } from "./texts.js";

const SIZE = { width: { ideal: 1280 }, height: { ideal: 960 } };

// Resolves to a file, or to null where the user cancels.
export function takePhoto() {
  const video = element("video", { autoplay: true, muted: true, playsinline: true, "aria-label": text("camera.view") });
  const status = element("p", { role: "status" }, text("camera.starting"));
  const take = element("button", { type: "button", class: "primary", disabled: true }, text("camera.take"));
  const cancel = element("button", { type: "button" }, text("camera.cancel"));
  const title = element("h2", { id: "camera-title" }, text("camera.title"));
  const row = element("div", { class: "row" }, take, cancel);
  const dialog = element("dialog", { "aria-labelledby": "camera-title" }, title, video, status, row);
  document.body.append(dialog);
  dialog.showModal();
  let stream = null;
  let photo = null;
  navigator.mediaDevices.getUserMedia({ video: SIZE }).then(
    (opened) => {
      stream = opened;
      if (!dialog.open) return stop(stream);
      video.srcObject = stream;
      video.addEventListener("playing", () => {
        status.textContent = "";
        take.disabled = false;
        take.focus();
      });
    },
    (error) => {
      status.textContent = text(error.name === "NotAllowedError" ? "camera.refused" : "camera.missing");
    },
  );
  cancel.addEventListener("click", () => dialog.close());
  take.addEventListener("click", async () => {
    photo = await grab(video);
    dialog.close();
  });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (stream) stop(stream);
      dialog.remove();
      resolve(photo);
    });
  });
}

export function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

async function grab(video) {
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: blob.type });
}
