// Who the faces of a photo are: the answer of the server with what the page shows of each face.

import { ask } from "./api.js";
import { describeQuality } from "./face_quality.js";
import { inGallery } from "./gallery.js";
import { text } from "./texts.js";

// `top` is the number of candidates of each face.
export async function identify(file, signal, { top }) {
  const body = new FormData();
  body.append("photo", file, file.name);
  const path = inGallery("/v1/identify", { detected: true, top });
  const [answer] = (await ask("POST", path, { body, signal })).photos;
  const count = answer.faces.length;
  const faces = answer.faces.map((face, number) => {
    const label = face.name === null ? text("photo.unknown") : face.name;
    const shown = { ...answer.detected[number], ...face, number, label, kind: face.name === null ? "unknown" : "match" };
    const say = (place) => text("photo.named_face", { number: place, count, name: label, quality: describeQuality(shown) });
    return { ...shown, say };
  });
  return { ...answer, faces };
}
