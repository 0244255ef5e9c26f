// What was said of each cluster and face: kept in the browser, undone step by step, exported.
const main = document.querySelector("main");
const storageKey = "visavis-clusters-" + main.dataset.key;
const clean = (text) => text.normalize("NFC").trim();
let storage = true;

const sections = [...document.querySelectorAll(".cluster")].map((element) => ({
  element,
  id: element.dataset.id,
  known: element.dataset.known,
  input: element.querySelector(".name"),
  confirm: element.querySelector(".confirm"),
  takeBack: element.querySelector(".take-back"),
  allPhotos: element.querySelector(".all-photos"),
  nobody: element.querySelector(".nobody"),
  note: element.querySelector(".note"),
  tiles: [...element.querySelectorAll(".tile")].map((tile) => ({
    element: tile,
    face: tile.querySelector(".face"),
    wrong: tile.querySelector(".wrong"),
    mark: tile.querySelector(".mark"),
    known: tile.querySelector(".face").dataset.known,
    isNobody: "nobody" in tile.querySelector(".face").dataset,
  })),
}));
for (const section of sections) section.state = initial(section);

// A face is "" (belongs to its cluster), "wrong" (another person, `name` if known) or "nobody" (no person).
function initial(section) {
  const isNobody = "nobody" in section.element.dataset;
  return {
    name: section.known,
    nobody: isNobody,
    confirmed: false,
    faces: section.tiles.map((tile) => {
      if (tile.isNobody && !isNobody) return { mark: "nobody", name: "" };
      if (tile.known && tile.known !== section.known) return { mark: "wrong", name: tile.known };
      return { mark: "", name: "" };
    }),
  };
}

function load() {
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(storageKey) || "{}") || {};
  } catch {
    storage = false;
  }
  for (const section of sections) {
    const state = kept[section.id];
    if (state && Array.isArray(state.faces) && state.faces.length === section.tiles.length) section.state = state;
  }
}

function keep() {
  const kept = {};
  for (const section of sections) {
    if (JSON.stringify(section.state) !== JSON.stringify(initial(section))) kept[section.id] = section.state;
  }
  try {
    localStorage.setItem(storageKey, JSON.stringify(kept));
  } catch {
    storage = false;
  }
}

const steps = [];
let typing = null; // the section or face whose name is being typed: its letters are one step

function change(section, what, alter, field = null) {
  if (!field || field !== typing) steps.push({ section, what, before: JSON.stringify(section.state) });
  typing = field;
  alter(section.state);
  keep();
  render(what);
}

function undo() {
  const step = steps.pop();
  if (!step) return;
  typing = null;
  step.section.state = JSON.parse(step.before);
  keep();
  render("Undone: " + step.what);
  reveal(step.section);
}

// Faces that joined the cluster of a named person count only after confirmation, or with another name.
function unconfirmed(section) {
  const { name, nobody, confirmed, faces } = section.state;
  if (!section.known || nobody || confirmed || clean(name) !== section.known) return [];
  return section.tiles.filter((tile, n) => !tile.known && !faces[n].mark);
}

function personOf(section, n) {
  const { name, nobody, faces } = section.state;
  if (faces[n].mark === "wrong") return clean(faces[n].name);
  if (faces[n].mark === "nobody" || nobody) return "";
  return clean(name);
}

function people() {
  const found = new Map();
  for (const section of sections) {
    const waiting = new Set(unconfirmed(section));
    section.tiles.forEach((tile, n) => {
      const name = personOf(section, n);
      if (!name || waiting.has(tile)) return;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push({ section, n, tile });
    });
  }
  return found;
}

function nobodies() {
  return sections.flatMap((section) =>
    section.tiles.filter((tile, n) => {
      const { mark } = section.state.faces[n];
      return mark === "nobody" || (section.state.nobody && mark !== "wrong");
    })
  );
}

function exportedFace(tile) {
  const { photo, sha256, box } = tile.face.dataset;
  return { photo, box: JSON.parse(box), ...(sha256 ? { sha256 } : {}) };
}

function exported() {
  const named = [...people()].map(([name, faces]) => ({ name, faces: faces.map(({ tile }) => exportedFace(tile)) }));
  const none = nobodies().map(exportedFace);
  return none.length ? [...named, { name: null, faces: none }] : named;
}

function save(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
