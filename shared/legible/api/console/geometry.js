// Where a location of the record lies on the picture of its page. Numbers only.

/** How much the two scales may differ where a picture is nothing but the page, made larger or smaller. */
const SAME = 0.02;

/**
 * Return the size of the picture in the unit of its page's locations, or null where it is not known.
 *
 * `frame` is the page's; `document` the record's (pixels of the uploaded image); `picture` has the pixels of the image
 * as it is shown. A picture that was padded right and below is larger than its page, in one direction more than in the
 * other: there the frame's scale (pixels of the picture per unit) says how large it is.
 */
export function extent(frame, document, picture) {
  if (!picture.width || !picture.height) return null;
  if (frame) {
    const across = picture.width / frame.width;
    const down = picture.height / frame.height;
    if (Math.abs(across / down - 1) <= SAME) return { width: frame.width, height: frame.height };
    return { width: picture.width / frame.scale, height: picture.height / frame.scale };
  }
  if (document.width && document.height) return { width: document.width, height: document.height };
  // A page that the service drew by itself: pixels of a drawing that nobody here has seen.
  if (["pdf", "ofd"].includes(document.format)) return null;
  return { width: picture.width, height: picture.height };
}

/** Return the box around a location: x, y, width, height. */
export function around(location) {
  const across = location.map(([x]) => x);
  const down = location.map(([, y]) => y);
  const [x, y] = [Math.min(...across), Math.min(...down)];
  return { x, y, width: Math.max(...across) - x, height: Math.max(...down) - y };
}

/** Return a location as the `points` of a polygon. */
export function points(location) {
  return location.map(([x, y]) => `${Number(x)},${Number(y)}`).join(" ");
}
