// JSON laid out for reading without being read: no digit of a number is lost, no key is put in another order.

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Return JSON text with line breaks and two spaces a level; text that is no JSON comes back with its tokens alike. */
export function laidOut(text) {
  const tokens = text.match(TOKENS) ?? [];
  const found = [];
  let level = 0;
  const line = () => `\n${"  ".repeat(level)}`;
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (token === "}" || token === "]") {
      level -= 1;
      found.push(before === "{" || before === "[" ? "" : line(), token);
    } else {
      if (before === "{" || before === "[" || before === ",") found.push(line());
      found.push(token === ":" ? ": " : token);
      if (token === "{" || token === "[") level += 1;
    }
  });
  return found.join("");
}
