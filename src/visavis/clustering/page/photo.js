// Two dialogs: one face in its photo, and all photos of a person.
const SVG = "http://www.w3.org/2000/svg";
const photoDialog = byId("photo");
const allDialog = byId("all");
let opened = null; // { section, n } and where to step from there: `among`
let enlarged = false;

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const rectangle = ([x1, y1, x2, y2], kind) =>
  svg("rect", { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0), class: kind });

// The photo as a drawing in its own pixels, with boxes; null where the photo was gone when the page was made.
function drawing(tile, { close = false, others = false } = {}) {
  const template = byId("p" + tile.face.dataset.number);
  const picture = template.content.querySelector("img");
  if (!picture) return null;
  const [width, height] = [Number(template.dataset.width), Number(template.dataset.height)];
  const box = JSON.parse(tile.face.dataset.box);
  const view = close ? around(box, width, height) : [0, 0, width, height];
  const element = svg("svg", { viewBox: view.join(" "), role: "img", "aria-label": shownPath(tile) });
  const image = svg("image", { href: picture.src, width, height, preserveAspectRatio: "none" });
  element.append(image);
  if (others) {
    for (const face of document.querySelectorAll(`.face[data-number="${tile.face.dataset.number}"]`)) {
      if (face !== tile.face) element.append(rectangle(JSON.parse(face.dataset.box), "box"));
    }
  }
  element.append(rectangle(box, "box edge"), rectangle(box, "box this"));
  return element;
}

// The part of the photo that a face fills well, within the photo.
function around([x1, y1, x2, y2], width, height) {
  const side = Math.min(1.8 * Math.max(x2 - x1, y2 - y1, 8), Math.max(width, height));
  const [wide, high] = [Math.min(side * 1.4, width), Math.min(side, height)];
  const left = Math.min(Math.max((x1 + x2 - wide) / 2, 0), width - wide);
  const top = Math.min(Math.max((y1 + y2 - high) / 2, 0), height - high);
  return [left, top, wide, high];
}

function openFace(section, n, among) {
  opened = { section, n, among: among || section.tiles.map((tile, place) => ({ section, n: place })) };
  showFace();
  if (!photoDialog.open) photoDialog.showModal();
}

function showFace() {
  const { section, n, among } = opened;
  const tile = section.tiles[n];
  const path = shownPath(tile);
  const place = among.findIndex((each) => each.section === section && each.n === n);
  byId("photo-title").textContent = path.split(/[\\/]/).pop();
  photoDialog.querySelector(".path").textContent = `${path} (cluster ${section.id}, face ${place + 1} of ${among.length})`;
  const picture = drawing(tile, { close: enlarged, others: true });
  const missing = document.createElement("p");
  missing.textContent = "The photo could not be read any more when this page was made.";
  photoDialog.querySelector(".stage").replaceChildren(picture || missing);
  byId("enlarge").setAttribute("aria-pressed", String(enlarged));
  byId("enlarge").disabled = !picture;
  byId("previous").disabled = place <= 0;
  byId("next").disabled = place >= among.length - 1;
  const address = byId("p" + tile.face.dataset.number).dataset.address;
  byId("open").href = address;
  byId("open").hidden = !address || !address.startsWith("file:");
  showMark();
}

function showMark() {
  const { section, n } = opened;
  const { mark, name } = section.state.faces[n];
  const owner = section.state.nobody ? "" : clean(section.state.name);
  byId("belongs").textContent = `belongs to cluster ${section.id}` + (owner ? `: ${owner}` : "");
  for (const radio of photoDialog.querySelectorAll('[name="mark"]')) radio.checked = radio.value === mark;
  if (byId("other").value !== name) byId("other").value = name;
  byId("other").hidden = mark !== "wrong";
}

function step(by) {
  const place = opened.among.findIndex((face) => face.section === opened.section && face.n === opened.n) + by;
  if (!opened.among[place]) return;
  opened = { ...opened, ...opened.among[place] };
  showFace();
}

function setMark(section, n, mark) {
  const path = shownPath(section.tiles[n]).split(/[\\/]/).pop();
  const what = { "": "belongs to its cluster", wrong: "does not belong to its cluster", nobody: "is no person" }[mark];
  change(section, `${path} ${what}`, (state) => {
    state.faces[n] = { mark, name: mark === "wrong" ? state.faces[n].name : "" };
  });
}

function openAll(name) {
  const faces = people().get(name) || [];
  byId("all-title").textContent =
    `${name}: ${counted(faces.length, "face", "faces")} in ${counted(new Set(faces.map(photoOf)).size, "photo", "photos")}`;
  allDialog.querySelector(".photos").replaceChildren(...faces.map((face) => photoItem(face, faces)));
  allDialog.showModal();
}

function photoItem(face, faces) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const path = document.createElement("span");
  button.type = "button";
  button.title = path.textContent = shownPath(face.tile);
  button.dataset.photo = face.tile.face.dataset.photo;
  button.append(drawing(face.tile) || "no picture any more", path);
  button.addEventListener("click", () => openFace(face.section, face.n, faces));
  item.append(button);
  return item;
}

photoDialog.addEventListener("change", (event) => {
  if (event.target.name !== "mark") return;
  setMark(opened.section, opened.n, event.target.value);
  showMark();
  if (event.target.value === "wrong") byId("other").focus();
});
byId("other").addEventListener("input", (event) => {
  const { section, n } = opened;
  change(section, "a face named", (state) => (state.faces[n].name = event.target.value), section.tiles[n]);
});
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("enlarge").addEventListener("click", () => {
  enlarged = !enlarged;
  showFace();
});
byId("list").addEventListener("click", () => {
  const paths = [...allDialog.querySelectorAll(".photos button")].map((button) => button.dataset.photo);
  save([...new Set(paths)].join("\n") + "\n", "photos.txt", "text/plain");
});
for (const dialog of [photoDialog, allDialog]) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
}
photoDialog.addEventListener("close", () => {
  typing = null;
  if (!allDialog.open) focusFace(opened.section, opened.n);
});
photoDialog.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    e: () => byId("enlarge").click(),
    x: () => {
      const { mark } = opened.section.state.faces[opened.n];
      setMark(opened.section, opened.n, mark === "wrong" ? "" : "wrong");
      showMark();
    },
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
