// How a head is turned, by its five landmarks: eyes, nose and corners of the mouth, as they lie in the picture.

// `aside` is the offset of the nose along the line of the eyes, in distances of the eyes, positive towards the person's
// left; `down` is the place of the nose between eyes (0) and mouth (1). Null where the points lie on one line.
export function measurePose([left, right, nose, leftMouth, rightMouth]) {
  const eyes = middle(left, right);
  const across = [right[0] - left[0], right[1] - left[1]];
  const mouth = middle(leftMouth, rightMouth);
  const along = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  const area = across[0] * along[1] - across[1] * along[0];
  if (!(area > 0)) return null;
  const [x, y] = [nose[0] - eyes[0], nose[1] - eyes[1]];
  return { aside: (x * along[1] - y * along[0]) / area, down: (across[0] * y - across[1] * x) / area };
}

const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
