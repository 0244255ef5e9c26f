// Mouse and keyboard. Each cluster has one face that Tab reaches; arrow keys move on from there.
const sectionOf = (element) => sections.find((section) => section.element === element.closest(".cluster"));

function focusFace(section, n) {
  section.tiles.forEach((tile, place) => {
    tile.face.tabIndex = tile.wrong.tabIndex = place === n ? 0 : -1;
  });
  section.tiles[n].face.focus();
}

function setNobody(section) {
  const nobody = !section.state.nobody;
  change(section, `Cluster ${section.id} ${nobody ? "shows no person" : "shows a person"}`, (state) => (state.nobody = nobody));
}

const actions = {
  face: (section, n) => openFace(section, n),
  wrong: (section, n) => setMark(section, n, section.state.faces[n].mark ? "" : "wrong"),
  nobody: (section) => setNobody(section),
  confirm: (section) =>
    change(section, `New faces of cluster ${section.id} confirmed`, (state) => (state.confirmed = true)),
  "take-back": (section) => {
    change(section, `Name of cluster ${section.id} removed`, (state) => {
      state.name = "";
      state.confirmed = false;
    });
    section.input.focus();
  },
  "all-photos": (section) => openAll(clean(section.state.name)),
};

main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const section = sectionOf(button);
  const n = section.tiles.findIndex((tile) => tile.element.contains(button));
  for (const kind of button.classList) if (actions[kind]) actions[kind](section, n);
});
main.addEventListener("input", (event) => {
  if (!event.target.matches(".name")) return;
  const section = sectionOf(event.target);
  const name = event.target.value;
  change(section, `Cluster ${section.id} named`, (state) => (state.name = name), section);
});
main.addEventListener("focusout", () => (typing = null));

// ------------------------------------------------------------------------------------------------------- keyboard

function cluster(by) {
  const shown = sections.filter((section) => section.element.offsetParent && !section.element.hidden);
  const here = shown.indexOf(current());
  const next = shown[Math.min(Math.max(here + by, 0), shown.length - 1)];
  if (!next) return;
  focusFace(next, Math.max(next.tiles.findIndex((tile) => tile.face.tabIndex === 0), 0));
  next.element.scrollIntoView({ block: "nearest" });
}

const current = () => (main.contains(document.activeElement) ? sectionOf(document.activeElement) : undefined);

// The face in a direction: in its row to the sides, else the nearest one of the row above or below.
function neighbor(section, n, key) {
  if (key === "ArrowLeft") return n - 1;
  if (key === "ArrowRight") return n + 1;
  if (key === "Home") return 0;
  if (key === "End") return section.tiles.length - 1;
  const place = (tile) => tile.element.getBoundingClientRect();
  const from = place(section.tiles[n]);
  const columns = section.tiles.filter((tile) => Math.abs(place(tile).top - from.top) < 4).length;
  const first = section.tiles.findIndex((tile) => place(tile).top - place(section.tiles[0]).top > 4);
  const width = first < 0 ? columns : first;
  return key === "ArrowUp" ? n - width : n + width;
}

const keys = {
  j: () => cluster(1),
  k: () => cluster(-1),
  n: () => current() && current().input.focus(),
  b: () => current() && setNobody(current()),
  u: undo,
  "/": () => byId("find").focus(),
};

document.addEventListener("keydown", (event) => {
  if (photoDialog.open || allDialog.open) return;
  const writing = event.target.matches('input, select, textarea');
  if (!writing && (event.ctrlKey || event.metaKey) && event.key === "z") {
    event.preventDefault();
    undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing) {
    if (event.key === "Escape" && event.target.matches(".name")) focusFace(sectionOf(event.target), 0);
    return;
  }
  const tile = event.target.closest(".tile");
  const section = tile && sectionOf(tile);
  const n = section ? section.tiles.findIndex((each) => each.element === tile) : -1;
  if (section && /^(Arrow|Home$|End$)/.test(event.key)) {
    event.preventDefault();
    const to = neighbor(section, n, event.key);
    if (section.tiles[to]) focusFace(section, to);
  } else if (section && event.key === "x") {
    actions.wrong(section, n);
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

// ------------------------------------------------------------------------------------------------------------- bar

byId("find").addEventListener("input", filter);
byId("show").addEventListener("change", filter);
byId("undo").addEventListener("click", undo);
byId("export").addEventListener("click", () =>
  save(JSON.stringify(exported(), null, 1) + "\n", "people.json", "application/json")
);

function remembered(name, apply) {
  const select = byId(name);
  let value = "";
  try {
    value = localStorage.getItem("visavis-" + name) || "";
  } catch {
    storage = false;
  }
  if ([...select.options].some((option) => option.value === value)) select.value = value;
  apply(select.value);
  select.addEventListener("change", () => {
    apply(select.value);
    try {
      localStorage.setItem("visavis-" + name, select.value);
    } catch {
      storage = false;
    }
  });
}

remembered("size", (size) => document.documentElement.style.setProperty("--tile", size + "px"));
remembered("theme", (theme) => {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
});
for (const section of sections) {
  section.tiles.forEach((tile, n) => (tile.face.tabIndex = tile.wrong.tabIndex = n ? -1 : 0));
}
load();
render();
