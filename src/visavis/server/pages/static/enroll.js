// The page that enrolls a person: photos with their quality as they come, then a result for each.

import { ask, describeProblem } from "./api.js";
import { hasCamera, showCameraNotice } from "./camera_notice.js";
import { element } from "./dom.js";
import { EnrolledPhoto } from "./enrolled_photo.js";
import { guideViews } from "./guide.js";
import { askAboutName } from "./same_name.js";
import { formatNumber, text } from "./texts.js";

const form = document.getElementById("enroll");
const list = document.getElementById("photos");
const send = document.getElementById("send");
const result = document.getElementById("result");
const guide = document.getElementById("guide");
const { gallery, suffix } = form.dataset;
const person = form.dataset.person ? { id: Number(form.dataset.person), name: form.dataset.name } : null;
const zone = form.querySelector(".zone");
const files = document.getElementById("files");
let photos = [];
let target = person;
let checks = Promise.resolve();
let isBusy = false;
let hasAnswer = false;

function add(chosen) {
  for (const file of chosen) {
    const photo = new EnrolledPhoto(file, { gallery, onRemove: remove, onRetry: () => form.requestSubmit(send) });
    photos.push(photo);
    list.append(photo.line);
    checks = checks.then(() => photo.check()).then(update);
  }
  update();
}

function remove(photo) {
  const next = photo.line.nextElementSibling || photo.line.previousElementSibling;
  photos = photos.filter((other) => other !== photo);
  photo.forget();
  (next ? next.querySelector("button") : files).focus();
  update();
}

function update() {
  send.disabled = isBusy || !photos.some((photo) => photo.isWaiting);
  if (form.elements.name) form.elements.name.readOnly = isBusy || hasAnswer;
}

// One run at a time, also by the button of a photo that failed: else photos that are being sent would be sent twice.
async function enroll() {
  if (isBusy) return;
  isBusy = true;
  update();
  result.replaceChildren();
  try {
    await checks;
    if (!target && !(await chooseTarget())) return;
    for (const photo of [...photos]) {
      if (!photo.isReady) continue; // it may have been removed while others were sent
      const answer = await photo.send(target, hasAnswer ? {} : readDetails());
      if (!answer) continue;
      target = { id: answer.person_id, name: answer.name };
      hasAnswer = true;
    }
    showResult();
  } catch (error) {
    result.replaceChildren(describeProblem(error, { kept: text("enroll.photos_stay"), retry: () => form.requestSubmit(send) }));
  } finally {
    isBusy = false;
    update();
  }
}

// Whether the person of the photos is chosen: one of the same name is not taken without a question.
async function chooseTarget() {
  const name = form.elements.name.value.trim();
  const { people } = await ask("GET", `/v1/people?${new URLSearchParams({ gallery, name })}`);
  const chosen = people.length ? askAboutName(document.getElementById("same-name"), name, people) : { name };
  target = chosen;
  return Boolean(chosen);
}

const readDetails = () =>
  Object.fromEntries([...new FormData(form)].filter(([key, value]) => ["note", "consent", "consented"].includes(key) && value));

function showResult() {
  const enrolled = photos.filter((photo) => photo.isEnrolled).length;
  const values = { count: formatNumber(enrolled), total: formatNumber(photos.length) };
  if (!target || !target.id) {
    target = person;
    result.replaceChildren(element("p", { class: "notice danger", role: "alert" }, text("enroll.none_enrolled")));
    return;
  }
  const sentence = element("p", { role: "status" }, text("enroll.enrolled", { ...values, name: target.name }));
  const open = element("a", { class: "button primary", href: `/people/${target.id}${suffix}` }, text("enroll.open", target));
  result.replaceChildren(element("div", { class: "card same" }, sentence, open));
  open.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  enroll();
});
files.addEventListener("change", () => {
  add([...files.files]);
  files.value = "";
});
guide.addEventListener("click", async () => {
  if (!hasCamera) return showCameraNotice();
  add(await guideViews());
  guide.focus();
});
document.addEventListener("paste", (event) => {
  const pasted = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
  if (!pasted.length) return;
  event.preventDefault();
  add(pasted);
});
zone.addEventListener("dragover", () => zone.classList.add("over"));
zone.addEventListener("dragleave", () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => {
  zone.classList.remove("over");
  add([...event.dataTransfer.files]);
});
// Files that are dropped beside the zone do not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
if (form.elements.name) {
  form.elements.name.addEventListener("input", () => {
    target = null;
    document.getElementById("same-name").replaceChildren();
  });
  form.elements.name.focus();
}
update();
