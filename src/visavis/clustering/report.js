"use strict";
(() => {
  const main = document.querySelector("main");
  const key = "visavis-clusters-" + main.dataset.key;
  const told = document.getElementById("told");
  const button = document.getElementById("export");
  const find = document.getElementById("find");
  const show = document.getElementById("show");
  const sections = [...document.querySelectorAll(".cluster")].map((element) => ({
    element,
    id: element.dataset.id,
    input: element.querySelector("input"),
    together: element.querySelector(".with"),
    faces: [...element.querySelectorAll(".face")],
  }));
  let keeping = true;

  const nameOf = (one) => one.input.value.normalize("NFC").trim();
  const isWrong = (face) => face.getAttribute("aria-pressed") === "true";
  const setWrong = (face, wrong) => face.setAttribute("aria-pressed", String(wrong));

  function load() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(key) || "{}");
    } catch {
      keeping = false;
    }
    for (const one of sections) {
      const { name = "", wrong = [] } = (kept && kept[one.id]) || {};
      one.input.value = name;
      one.faces.forEach((face, n) => setWrong(face, wrong.includes(n)));
    }
  }

  function keep() {
    const kept = {};
    for (const one of sections) {
      const wrong = one.faces.flatMap((face, n) => (isWrong(face) ? [n] : []));
      if (one.input.value || wrong.length) kept[one.id] = { name: one.input.value, wrong };
    }
    try {
      localStorage.setItem(key, JSON.stringify(kept));
    } catch {
      keeping = false;
    }
  }

  function people() {
    const found = new Map();
    for (const one of sections) {
      const name = nameOf(one);
      const faces = one.faces.filter((face) => !isWrong(face));
      if (!name || !faces.length) continue;
      if (!found.has(name)) found.set(name, []);
      found.get(name).push(...faces);
    }
    return [...found].map(([name, faces]) => ({
      name,
      faces: faces.map((face) => ({ photo: face.dataset.photo, box: JSON.parse(face.dataset.box) })),
    }));
  }

  function tell() {
    const named = new Map();
    for (const one of sections) {
      const name = nameOf(one);
      if (name) named.set(name, [...(named.get(name) || []), one.id]);
    }
    for (const one of sections) {
      const others = (named.get(nameOf(one)) || []).filter((id) => id !== one.id);
      one.together.textContent = others.length ? "one person with cluster " + others.join(", ") : "";
    }
    document.getElementById("names").replaceChildren(
      ...[...named.keys()].sort().map((name) => {
        const option = document.createElement("option");
        option.value = name;
        return option;
      })
    );
    const done = people();
    const faces = done.reduce((sum, one) => sum + one.faces.length, 0);
    button.disabled = !done.length;
    told.textContent =
      `${done.length} ${done.length === 1 ? "person" : "people"} named, ${faces} ${faces === 1 ? "face" : "faces"}` +
      (keeping ? "" : "; this browser keeps nothing: export before closing");
  }

  function filter() {
    const wanted = find.value.normalize("NFC").trim().toLowerCase();
    for (const one of sections) {
      const name = nameOf(one);
      const fits = show.value === "all" || (show.value === "named") === Boolean(name);
      const said = [name, "cluster " + one.id, ...one.faces.map((face) => face.dataset.photo)].join("\n").toLowerCase();
      one.element.hidden = !fits || (wanted !== "" && !said.includes(wanted));
    }
    const alone = document.querySelector("details");
    if (alone && wanted) alone.open = true;
  }

  main.addEventListener("input", () => {
    keep();
    tell();
  });
  main.addEventListener("click", (event) => {
    const face = event.target.closest(".face");
    if (!face) return;
    setWrong(face, !isWrong(face));
    keep();
    tell();
  });
  find.addEventListener("input", filter);
  show.addEventListener("change", filter);
  button.addEventListener("click", () => {
    const text = JSON.stringify(people(), null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "people.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  load();
  tell();
})();
