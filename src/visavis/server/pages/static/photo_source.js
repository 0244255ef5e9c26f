// Where photos come from: files and folders that are dropped or chosen, and the camera.

import { takePhoto } from "./camera.js";
import { hasCamera, showCameraNotice } from "./camera_notice.js";
import { text } from "./texts.js";

const PHOTO = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|heif|avif|jp2)$/i;

// Gives the files to `onFiles`; of a folder, those that are photos by their type or their name.
export class PhotoSource {
  constructor(root, onFiles) {
    this.inputs = [...root.querySelectorAll("input[type=file]")];
    this.camera = root.querySelector(".take");
    this.empty = root.querySelector(".nothing");
    this.onFiles = onFiles;
    for (const input of this.inputs) input.addEventListener("change", () => this.choose(input));
    this.camera.addEventListener("click", () => this.useCamera());
    root.addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.add("over");
    });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("over");
      collectDropped(event.dataTransfer).then((files) => this.give(files));
    });
  }

  choose(input) {
    const files = [...input.files];
    input.value = ""; // the same files can be chosen again
    this.give(input.webkitdirectory ? files.filter(isPhoto) : files);
  }

  give(files) {
    if (this.empty) this.empty.textContent = files.length ? "" : text("photo.none");
    if (files.length) this.onFiles(files);
  }

  async useCamera() {
    if (!hasCamera) return showCameraNotice();
    const photo = await takePhoto();
    if (photo) this.give([photo]);
    else this.camera.focus();
  }

  focus() {
    this.inputs[0].focus();
  }
}

// Pictures that are pasted, and files that are dropped, anywhere in the page: they do not replace it.
export function listenToPage(onFiles) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter(isPhoto);
    if (!files.length) return;
    event.preventDefault();
    onFiles(files);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (event.defaultPrevented) return; // by the zone that takes the files
    event.preventDefault();
    const files = await collectDropped(event.dataTransfer);
    if (files.length) onFiles(files);
  });
}

const isPhoto = (file) => file.type.startsWith("image/") || PHOTO.test(file.name);

// A folder is an entry; entries are there during the event alone, so all are asked for before the first is read.
async function collectDropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  if (!entries.some((entry) => entry && entry.isDirectory)) return [...transfer.files];
  const files = [];
  for (const entry of entries) if (entry) files.push(...(await readEntry(entry)));
  return files;
}

async function readEntry(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return isPhoto(file) ? [file] : [];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at most
    if (!batch.length) return files;
    for (const inner of batch) files.push(...(await readEntry(inner)));
  }
}
