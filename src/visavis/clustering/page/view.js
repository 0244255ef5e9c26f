// What the page shows of the state.
const byId = (id) => document.getElementById(id);
const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;
const knownNames = JSON.parse(byId("people").textContent);

function render(said = "") {
  const named = people();
  const together = new Map();
  for (const section of sections) {
    const name = section.state.nobody ? "" : clean(section.state.name);
    if (name) together.set(name, [...(together.get(name) || []), section.id]);
  }
  for (const section of sections) renderSection(section, together, named);
  const names = new Set([...knownNames, ...together.keys(), ...named.keys()]);
  const shown = [...byId("names").children].map((option) => option.value).join("\n");
  const sorted = [...names].sort();
  if (shown !== sorted.join("\n")) {
    byId("names").replaceChildren(
      ...sorted.map((name) => {
        const option = document.createElement("option");
        option.value = name;
        return option;
      })
    );
  }
  const faces = [...named.values()].reduce((sum, list) => sum + list.length, 0);
  const waiting = sections.filter((section) => unconfirmed(section).length).length;
  byId("export").disabled = !named.size && !nobodies().length;
  byId("undo").disabled = !steps.length;
  byId("status").textContent =
    (said ? said + ". " : "") +
    `${counted(named.size, "person", "people")} named, ${counted(faces, "face", "faces")}` +
    (waiting ? `; ${counted(waiting, "cluster", "clusters")} with new faces to confirm` : "") +
    (storage ? "" : "; this browser stores nothing: export before closing");
}

function renderSection(section, together, named) {
  const { state } = section;
  const name = clean(state.name);
  if (section.input.value !== state.name) section.input.value = state.name;
  section.input.disabled = state.nobody;
  section.nobody.setAttribute("aria-pressed", String(state.nobody));
  section.element.classList.toggle("is-nobody", state.nobody);
  section.takeBack.hidden = state.nobody || !name;
  const waiting = unconfirmed(section);
  section.confirm.hidden = !waiting.length;
  section.confirm.textContent = `Confirm ${counted(waiting.length, "new face", "new faces")}`;
  const own = state.nobody ? undefined : named.get(name);
  section.allPhotos.hidden = !own;
  section.allPhotos.textContent = own ? `All photos of ${name} (${new Set(own.map(photoOf)).size})` : "";
  const others = state.nobody ? [] : (together.get(name) || []).filter((id) => id !== section.id);
  const already = section.tiles.filter((tile) => tile.known && tile.known === section.known).length;
  section.note.textContent = [
    state.nobody ? "No person: left out when enrolled." : "",
    already && !state.nobody ? `${section.known} by ${already} of ${counted(section.tiles.length, "face", "faces")}.` : "",
    others.length ? "One person with cluster " + others.join(", ") + "." : "",
  ]
    .filter(Boolean)
    .join(" ");
  section.tiles.forEach((tile, n) => renderTile(tile, state.faces[n], waiting.includes(tile)));
}

function renderTile(tile, { mark, name }, isNew) {
  tile.element.classList.toggle("marked", Boolean(mark));
  tile.wrong.setAttribute("aria-pressed", String(mark === "wrong"));
  tile.mark.textContent =
    mark === "wrong" ? clean(name) || "wrong" : mark === "nobody" ? "no person" : isNew ? "new" : "";
}

const photoOf = ({ tile }) => tile.face.dataset.number;
// The path as text: control, bidi and zero-width characters are escaped.
const shownPath = (tile) => tile.face.dataset.shown || tile.face.dataset.photo;

function filter() {
  const wanted = clean(byId("find").value).toLowerCase();
  const show = byId("show").value;
  let any = false;
  for (const section of sections) {
    const { nobody } = section.state;
    const names = [nobody ? "" : clean(section.state.name), ...section.state.faces.map((face) => clean(face.name))];
    const fits = {
      all: true,
      named: Boolean(names[0]),
      unnamed: !names[0] && !nobody,
      unconfirmed: unconfirmed(section).length > 0,
      nobody: nobody || section.state.faces.some((face) => face.mark === "nobody"),
    }[show];
    const text = [...names, "cluster " + section.id, ...section.tiles.map((tile) => tile.face.dataset.photo)];
    section.element.hidden = !fits || (wanted !== "" && !text.join("\n").toLowerCase().includes(wanted));
    any = any || !section.element.hidden;
  }
  byId("nothing").hidden = any;
  const alone = byId("alone");
  if (alone && (wanted || show !== "all")) alone.open = true;
}

function reveal(section) {
  section.element.hidden = false;
  const details = section.element.closest("details");
  if (details) details.open = true;
  section.element.scrollIntoView({ block: "nearest" });
}
