// What to say about a picture of the camera, and which of the five views it shows: the largest fault comes first.

import { measurePose } from "./head_pose.js";
import { areaOf } from "./largest_face.js";

export const VIEWS = ["front", "left", "right", "up", "down"];

const SMALLEST = 0.2; // of the width of the picture
const LARGEST = 0.6;
const SECOND = 0.25; // area of a second face, of that of the first, from which on it counts
const OFF_CENTER = 0.2;
const LIT = 0.75;
const DARK = 0.5;
const STEADY = 0.5;
const STRAIGHT = 0.15; // offset of the nose of a head that looks straight; of 250 photos of LFW half have .1 or less
const TURNED = 0.16; // about 18 degrees
const TURNED_TOO_FAR = 0.6;
const LIFTED = 0.08; // about 10 degrees

// Returns {view} where the face shows a view that is missing, else {instruction}, a key of the texts "guide".
// `reference` is the pose of the person's own view from the front; null before it is there.
export function judgePicture({ faces, width, height }, missing, reference) {
  const [face, second] = [...faces].sort((a, b) => areaOf(b) - areaOf(a));
  if (!face) return { instruction: "look_here" };
  if (second && areaOf(second) > SECOND * areaOf(face)) return { instruction: "two_faces" };
  const pose = measurePose(face.landmarks);
  const fault = findFault(face, { width, height }) || (pose ? null : "look_here");
  if (fault) return { instruction: fault, face };
  const view = nameView(pose, reference);
  if (view === null) return { instruction: "not_so_far", face };
  if (!missing.includes(view)) return { instruction: `turn_${missing[0]}`, face };
  if (face.quality_parts.sharpness < STEADY) return { instruction: "hold_still", face };
  return { view, face, pose };
}

function findFault(face, { width, height }) {
  const [left, top, right, bottom] = face.box;
  const share = (right - left) / Math.min(width, height * 1.5);
  if (share < SMALLEST) return "nearer";
  if (face.quality_parts.exposure < LIT) return face.quality_parts.brightness < DARK ? "light" : "less_light";
  if (share > LARGEST) return "farther";
  const [x, y] = [(left + right) / 2 / width - 0.5, (top + bottom) / 2 / height - 0.5];
  return Math.max(Math.abs(x), Math.abs(y)) > OFF_CENTER ? "center" : null;
}

// The view of a pose; null for a head that is turned too far. Up and down are measured from the person's own front.
function nameView({ aside, down }, reference) {
  if (reference === null) return Math.abs(aside) <= STRAIGHT ? "front" : "other";
  const [turn, lift] = [aside - reference.aside, reference.down - down];
  if (Math.abs(turn) > TURNED_TOO_FAR) return null;
  if (Math.abs(turn) >= TURNED && Math.abs(turn) / TURNED >= Math.abs(lift) / LIFTED) return turn > 0 ? "left" : "right";
  if (Math.abs(lift) >= LIFTED) return lift > 0 ? "up" : "down";
  return "front";
}
