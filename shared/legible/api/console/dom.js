// Elements are made here and nowhere else: text becomes text nodes, and an address is looked at before it is used.

const SVG = "http://www.w3.org/2000/svg";
const ADDRESSES = new Set(["href", "src"]);
const REFUSED = /^(on|style$|srcdoc$)/i;

/** Return `address` if it leads to http(s) or to a place in this page, else null. */
export function safe(address) {
  try {
    const { protocol } = new URL(String(address), location.href);
    return protocol === "http:" || protocol === "https:" ? String(address) : null;
  } catch {
    return null;
  }
}

/** Make an HTML element. `on` in the attributes holds listeners; null, false and undefined are left out. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Put `children` in the place of everything that `element` holds. */
export function put(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      attribute(element, name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

function attribute(element, name, value) {
  if (REFUSED.test(name)) throw new TypeError(`${name} is no attribute to set`);
  const kept = ADDRESSES.has(name) ? safe(value) : value;
  if (kept !== null) element.setAttribute(name, kept);
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
