// Two masks compared: how much of them is the same, and by how far one is shifted against the other.

/** Intersection over union of what is above half, of 0..255 masks. */
export function iou(one, other) {
  let both = 0, either = 0;
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i] >= 128, other[i] >= 128];
    both += a && b;
    either += a || b;
  }
  return either ? both / either : 1;
}

/** The shift in pixels, (x, y), that explains best what differs: least squares on the mask's slopes. */
export function shift(one, other, width, height) {
  let xx = 0, xy = 0, yy = 0, xd = 0, yd = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const [gx, gy] = [(one[i + 1] - one[i - 1]) / 2, (one[i + width] - one[i - width]) / 2];
      const d = one[i] - other[i];
      xx += gx * gx; xy += gx * gy; yy += gy * gy; xd += gx * d; yd += gy * d;
    }
  const det = xx * yy - xy * xy || 1;
  return [(yy * xd - xy * yd) / det, (xx * yd - xy * xd) / det];
}

export function difference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += Math.abs(one[i] - other[i]);
  return sum / one.length;
}
