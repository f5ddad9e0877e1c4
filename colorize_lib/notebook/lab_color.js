// Conversions between sRGB and Lab in float64, as in colorize_lib/color.py, line by line.
// Colors are arrays of three numbers; sRGB runs from 0 to 1.

const times = (matrix, [x, y, z]) =>
  matrix.map((row) => row[0] * x + row[1] * y + row[2] * z);

const linearOf = (code) =>
  code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4;
const codeOf = (linear) =>
  linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;

const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
const fInverse = (y) => (y > 0.2068966 ? y ** 3 : (y - 16 / 116) / 7.787);

// A table: the powers of 200,000 dots would take a tenth of a second.
const FINEST = 8192;
const BYTES = Uint8Array.from({ length: FINEST + 1 }, (_, i) =>
  Math.round(255 * codeOf(i / FINEST)),
);
const byteOf = (linear) =>
  BYTES[Math.max(0, Math.min(FINEST, Math.round(FINEST * linear)))];

// The limits of outOfGamut, for linear values.
const LEAST = -1e-3 / 12.92;
const MOST = linearOf(1.001);

/** The conversions, from the constants of colorize_lib.color. */
export const labColor = ({ rgbToXyz, xyzToRgb, white }) => {
  const rgbToLab = (rgb) => {
    const xyz = times(rgbToXyz, rgb.map(linearOf));
    const [fx, fy, fz] = xyz.map((t, i) => f(t / white[i]));
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
  };

  const labToRgb = ([L, a, b]) => {
    const fy = (L + 16) / 116;
    const xyz = [fy + a / 500, fy, fy - b / 200].map((y, i) => white[i] * fInverse(y));
    return times(xyzToRgb, xyz).map(codeOf);
  };

  const grayCode = (L) => codeOf(fInverse((L + 16) / 116));

  const outOfGamut = (lab, tolerance = 1e-3) =>
    labToRgb(lab).some((code) => code < -tolerance || code > 1 + tolerance);

  const reduceChroma = ([L, a, b], tolerance = 1e-4, steps = 16) => {
    if (!outOfGamut([L, a, b], tolerance)) return [L, a, b];
    let [inside, outside] = [0, 1];
    for (let step = 0; step < steps; step++) {
      const factor = (inside + outside) / 2;
      if (outOfGamut([L, factor * a, factor * b], tolerance)) outside = factor;
      else inside = factor;
    }
    return [L, inside * a, inside * b];
  };

  /**
   * RGBA bytes of the plane of a and b, b upward; transparent where sRGB has no color.
   *
   * With L fixed, X follows from a alone and Z from b alone: 40 times less work than
   * labToRgb for each dot.
   */
  const gamutSlice = (L, reach, dots) => {
    const rgba = new Uint8ClampedArray(4 * dots * dots);
    const fy = (L + 16) / 116;
    const along = Array.from(
      { length: dots },
      (_, i) => reach * ((2 * i) / (dots - 1) - 1),
    );
    const X = along.map((a) => white[0] * fInverse(fy + a / 500));
    const Y = white[1] * fInverse(fy);
    const Z = along.map((b) => white[2] * fInverse(fy + b / 200)); // -b: the top comes first
    const [red, green, blue] = xyzToRgb;
    // Spelled out: with an array for each dot, dragging L would stutter.
    for (let row = 0, place = 0; row < dots; row++) {
      for (let column = 0; column < dots; column++, place += 4) {
        const r = red[0] * X[column] + red[1] * Y + red[2] * Z[row];
        const g = green[0] * X[column] + green[1] * Y + green[2] * Z[row];
        const b = blue[0] * X[column] + blue[1] * Y + blue[2] * Z[row];
        if (Math.min(r, g, b) < LEAST || Math.max(r, g, b) > MOST) continue;
        rgba[place] = byteOf(r);
        rgba[place + 1] = byteOf(g);
        rgba[place + 2] = byteOf(b);
        rgba[place + 3] = 255;
      }
    }
    return rgba;
  };

  return { rgbToLab, labToRgb, grayCode, outOfGamut, reduceChroma, gamutSlice };
};
