// The faces of a photo by their size.

export const areaOf = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);

// The number of the face with the largest box.
export function findLargest(faces) {
  const areas = faces.map(areaOf);
  return areas.indexOf(Math.max(...areas));
}
