// The page "Identify": the people of a photo with boxes and names, and of many photos as a list.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { inGallery, mayEnroll } from "./gallery.js";
import { identify } from "./identification.js";
import { listenToPage, PhotoSource } from "./photo_source.js";
import { announce, PhotoView } from "./photo_view.js";
import { countText, text } from "./texts.js";

const CANDIDATES = 5;
const place = document.getElementById("source");
const list = document.getElementById("batch");
const source = new PhotoSource(place, take);
const view = new PhotoView({ analyze, onFaces, onChoose });
let batch = null;
let answer = null;
let notice = null;

listenToPage(take);

async function take(files) {
  if (files.length === 1) {
    show(files[0]);
    return;
  }
  const loaded = await load("./batch.js", place);
  if (!loaded) return;
  if (batch) batch.cancel();
  view.close();
  place.hidden = true;
  batch = new loaded.Batch(list, files, { onOpen: show, onClose: closeBatch });
  batch.start();
}

function closeBatch() {
  batch = null;
  place.hidden = false;
  source.focus();
}

function show(file) {
  notice = null;
  place.hidden = true;
  list.hidden = true;
  view.show(file);
  const words = text(batch ? "batch.back" : "photo.another");
  view.actions.append(element("button", { type: "button", click: goBack }, words));
}

function goBack() {
  view.close();
  list.hidden = !batch;
  place.hidden = Boolean(batch);
  if (batch) batch.focus();
  else source.focus();
}

function analyze(file, signal) {
  return identify(file, signal, { top: CANDIDATES });
}

function onFaces(shown) {
  answer = shown;
  if (batch) batch.replace(view.file, shown);
  const named = shown.faces.filter(({ name }) => name !== null).map(({ name }) => name);
  const names = named.length ? named.join(", ") : text("identify.no_person");
  announce(text("identify.summary", { faces: countText("photo.faces", shown.faces.length), names }));
  const help = shown.faces.some(({ candidates }) => candidates.length) ? "identify.help" : nameEmpty();
  view.panel.append(...(notice ? [notice] : []), element("p", { class: "empty" }, text(help)));
}

// A module that not every visit needs is no part of the first view. Where it does not arrive, a notice says so.
async function load(module, noticePlace) {
  try {
    return await import(module);
  } catch {
    const retry = () => location.reload();
    noticePlace.append(describeProblem({ code: "offline", status: 0 }, { retry }));
    return null;
  }
}

function nameEmpty() {
  return mayEnroll ? "identify.empty_gallery" : "identify.empty_gallery_read";
}

async function onChoose(number) {
  const { file } = view;
  const face = answer.faces[number];
  const loaded = await load("./face_panel.js", view.panel);
  if (!loaded || view.file !== file || face !== answer.faces[number]) return; // or another photo came in the meantime
  notice = null;
  loaded.showFace(view.panel, { face, photo: answer, image: view.image, file, onStored, leave });

  function leave() {
    view.panel.replaceChildren();
    view.faces.focus(number);
  }

  async function onStored(sentence, undoPath) {
    if (view.file === file) notice = makeNotice(sentence, { undoPath, file });
    await showStored(file, number);
    announce(sentence);
    const button = view.panel.querySelector("button");
    if (button && view.file === file) button.focus();
  }
}

// Asks the server again about a photo after something was stored; the line of a photo that was left meanwhile too.
async function showStored(file, chosen = -1) {
  if (view.file === file) await view.refresh(chosen);
  if (view.file !== file && batch) await batch.renew(file);
}

// What was stored for the photo of a file, with a button that undoes it.
function makeNotice(sentence, { undoPath, file }) {
  const made = element("div", { class: "notice" }, element("p", {}, sentence));
  if (!undoPath) return made;
  const undo = async () => {
    button.disabled = true;
    try {
      await ask("DELETE", inGallery(undoPath));
    } catch (error) {
      button.disabled = false;
      made.append(describeProblem(error));
      return;
    }
    if (view.file === file) notice = makeNotice(text("identify.undone"), { undoPath: "", file });
    await showStored(file);
    announce(text("identify.undone"));
    if (view.file === file) view.title.focus();
  };
  const button = element("button", { type: "button", click: undo }, text("identify.undo"));
  made.append(button);
  return made;
}
