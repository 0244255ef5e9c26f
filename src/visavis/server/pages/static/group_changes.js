// Changes of groups of faces by requests, each with what undoes it. All name the faces as the page shows them: where
// they were changed elsewhere, the server refuses the change and the undo.

import { ask } from "./api.js";
import { inGallery } from "./gallery.js";
import { countText, text } from "./texts.js";
import { asJson, offerUndo } from "./undo.js";

const isAside = "aside" in document.getElementById("page").dataset;
const pathOf = (number, order) => inGallery(`/v1/groups/${number}/${order}`);

// The address of the page with a group.
export function makeAddress(number) {
  const parameters = { ...(isAside ? { aside: 1 } : {}), ...(number === null ? {} : { group: number }) };
  return inGallery("/groups", parameters);
}

// Faces that come back to a group that was put aside are put aside again.
const putAside = (number) => (isAside ? [{ method: "PUT", path: pathOf(number, "aside"), body: { aside: true } }] : []);

const offer = (sentence, steps, number) => offerUndo(sentence, steps, makeAddress(number), { keepsFormer: true });
const countFaces = (ids) => countText("groups.faces", ids.length);

export async function nameFaces(number, ids, { name, id = null, isNew = false }) {
  const order = { template_ids: ids, name, person_id: id, new: isNew };
  const named = await ask("POST", pathOf(number, "name"), asJson(order));
  const back = { template_ids: ids, person_id: named.person_id };
  const steps = [{ method: "POST", path: pathOf(number, "unname"), body: back }, ...putAside(number)];
  const key = named.new ? "groups.named_new" : "groups.named";
  offer(text(key, { name: named.name, faces: countFaces(ids) }), steps, number);
}

// Moves faces to another group, or to a new one (null). `kept` is the number of faces that stay. Returns the number of the
// group that they are in.
export async function moveFaces(number, ids, to, kept) {
  const moved = await ask("POST", pathOf(number, "move"), asJson({ template_ids: ids, to }));
  const back = { template_ids: ids, to: number, expected: kept };
  const steps = [{ method: "POST", path: pathOf(moved.number, "move"), body: back }, ...putAside(number)];
  const key = to === null ? "groups.split" : kept ? "groups.moved" : "groups.merged";
  const values = { faces: countFaces(ids), number, to: moved.number };
  offer(text(key, values), steps, number);
  return moved.number;
}

export async function turnAside(number) {
  const path = pathOf(number, "aside");
  await ask("PUT", path, asJson({ aside: !isAside }));
  const steps = [{ method: "PUT", path, body: { aside: isAside } }];
  offer(text(isAside ? "groups.brought_back" : "groups.put_aside", { number }), steps, number);
}
