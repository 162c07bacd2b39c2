// The picture of a page with a box around each recognized value.

import { get } from "./api.js";
import { h, put, svg } from "./dom.js";
import { around, extent, points } from "./geometry.js";
import { final, grade } from "./items.js";
import { percent, t } from "./language.js";
import { empty, sign } from "./parts.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

export const GRADES = { high: "grade_high", fair: "grade_fair", low: "grade_low", none: "grade_none" };

export class Viewer {
  /** `hovered` and `picked` are told the item of a box, or null. */
  constructor({ hovered, picked, titled }) {
    Object.assign(this, { hovered, picked, titled, zoom: 1, boxes: new Map(), size: null, address: "" });
    this.frame = h("div", { class: "stage", tabindex: "0", role: "group", "aria-label": t("page_picture") });
    this.zoomed = h("output", { class: "zoomed" });
    this.closer = h(
      "button",
      {
        type: "button",
        class: "icon",
        "aria-label": t("zoom_in"),
        title: `${t("zoom_in")} (+)`,
        on: { click: () => this.nearer(1) },
      },
      sign("plus"),
    );
    this.farther = h(
      "button",
      {
        type: "button",
        class: "icon",
        "aria-label": t("zoom_out"),
        title: `${t("zoom_out")} (−)`,
        on: { click: () => this.nearer(-1) },
      },
      sign("minus"),
    );
    this.tools = h(
      "div",
      { class: "tools", role: "group", "aria-label": t("zoom") },
      this.farther,
      this.zoomed,
      this.closer,
    );
    this.note = h("p", { class: "help viewer-note" });
    this.element = h(
      "div",
      { class: "viewer" },
      this.frame,
      h("div", { class: "viewer-foot" }, this.tools, legend()),
      this.note,
    );
    this.scale();
  }

  /** Show a page: `page` of the record, `document` of the record, and the items that lie on it. */
  show(address, number, page, document, items) {
    this.boxes.clear();
    this.size = null;
    this.address = address;
    this.note.textContent = "";
    const picture = h("img", {
      alt: t("page_alt", { page: number }),
      src: address,
      decoding: "async",
      draggable: "false",
    });
    this.sheet = h("div", { class: "sheet" }, picture);
    picture.addEventListener("load", () => this.overlay(picture, page, document, items));
    picture.addEventListener("error", () => this.missing(address));
    put(this.frame, this.sheet);
    this.frame.scrollTop = 0;
    this.scale();
  }

  overlay(picture, page, document, items) {
    if (picture.parentNode !== this.sheet) return; // Another page is shown by now.
    this.size = extent(page?.frame ?? null, document, { width: picture.naturalWidth, height: picture.naturalHeight });
    const placed = items.filter((item) => item.location?.length);
    if (!this.size) this.note.textContent = placed.length ? t("places_unknown") : "";
    else if (!placed.length) this.note.textContent = items.length ? t("no_places") : "";
    if (!this.size) return;
    const { width, height } = this.size;
    const layer = svg("svg", {
      class: "boxes",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
    for (const item of placed) layer.append(this.box(item));
    this.sheet.append(layer);
    if (this.wanted) this.mark(this.wanted);
  }

  box(item) {
    const title = svg("title", {}, `${this.titled(item)}: ${final(item)}`);
    const shape = svg("polygon", { class: boxed(item), points: points(item.location) }, title);
    shape.addEventListener("pointerenter", () => this.hovered(item));
    shape.addEventListener("pointerleave", () => this.hovered(null));
    shape.addEventListener("click", () => this.picked(item));
    this.boxes.set(item.name, shape);
    return shape;
  }

  /** Why there is no picture, as far as the API says. */
  async missing(address) {
    const said = await get(address).then(
      () => null,
      (problem) => problem,
    );
    if (address !== this.address) return;
    put(
      this.frame,
      empty(t("no_picture"), said?.detail && said.status ? said.detail : t("no_picture_detail")),
    );
  }

  /** Mark the box of `item` as chosen and bring it into sight; null marks none. */
  mark(item) {
    this.wanted = item;
    for (const [name, shape] of this.boxes) shape.classList.toggle("chosen", name === item?.name);
    const shape = item && this.boxes.get(item.name);
    if (!shape) return;
    shape.parentNode.append(shape); // Above its neighbors.
    this.reveal(shape);
  }

  /** Light the box of `item` up while something points at its row. */
  light(item) {
    for (const [name, shape] of this.boxes) shape.classList.toggle("lit", name === item?.name);
  }

  /** Draw the box of an item that was corrected anew. */
  renew(item) {
    const shape = this.boxes.get(item.name);
    if (shape) shape.setAttribute("class", `${boxed(item)}${this.wanted?.name === item.name ? " chosen" : ""}`);
  }

  reveal(shape) {
    const box = shape.getBoundingClientRect();
    const frame = this.frame.getBoundingClientRect();
    const inside =
      box.top >= frame.top && box.bottom <= frame.bottom && box.left >= frame.left && box.right <= frame.right;
    if (inside) return;
    this.frame.scrollTo({
      top: this.frame.scrollTop + box.top - frame.top - (frame.height - box.height) / 2,
      left: this.frame.scrollLeft + box.left - frame.left - (frame.width - box.width) / 2,
      behavior: STILL.matches ? "auto" : "smooth",
    });
  }

  /** One step nearer (1), farther (-1), or back to the width of the pane (0). */
  nearer(step) {
    const at = ZOOMS.indexOf(this.zoom);
    this.zoom = step === 0 ? 1 : ZOOMS[Math.min(Math.max(at + step, 0), ZOOMS.length - 1)];
    this.scale();
    if (this.wanted) this.mark(this.wanted);
  }

  scale() {
    if (this.sheet) this.sheet.style.width = `${this.zoom * 100}%`;
    this.zoomed.textContent = percent(this.zoom);
    this.farther.disabled = this.zoom === ZOOMS[0];
    this.closer.disabled = this.zoom === ZOOMS.at(-1);
  }

  /** The place of `item`, cut out of the picture that is shown; null where that is not known. */
  cut(item) {
    if (!this.size || !item.location?.length) return null;
    const picture = this.sheet.querySelector("img");
    const scale = picture.naturalWidth / this.size.width;
    const tall = picture.naturalHeight / this.size.height;
    const box = around(item.location.map(([x, y]) => [x * scale, y * tall]));
    const room = Math.max(box.height * 0.6, 4);
    const [width, height] = [box.width + 2 * room, box.height + 2 * room];
    const cut = h("canvas", {
      class: "cut",
      width: Math.ceil(width),
      height: Math.ceil(height),
      role: "img",
      "aria-label": t("cut_alt"),
    });
    cut.getContext("2d").drawImage(picture, box.x - room, box.y - room, width, height, 0, 0, width, height);
    return cut;
  }
}

function boxed(item) {
  const told = item.corrected ? "none" : grade(item.confidence);
  return `box grade-${told}${item.findings.length ? " finding" : ""}${item.corrected ? " corrected" : ""}`;
}

/** What the strokes of the boxes mean. */
function legend() {
  const entry = ([name, key]) =>
    h(
      "li",
      {},
      svg(
        "svg",
        { class: "swatch wide", viewBox: "0 0 28 12", "aria-hidden": "true" },
        svg("rect", { class: `box grade-${name}`, x: 2, y: 2, width: 24, height: 8 }),
      ),
      t(key),
    );
  return h("ul", { class: "legend", "aria-label": t("confidence") }, Object.entries(GRADES).map(entry));
}
