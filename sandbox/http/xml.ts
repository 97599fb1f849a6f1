/** An element's content: text, elements by name, or several of the same name. */
export type XmlContent =
  | string
  | number
  | boolean
  | readonly XmlContent[]
  | { readonly [name: string]: XmlContent | undefined };

/** A document of one element. What is `undefined` is left out. */
export function xmlDocument(name: string, content: XmlContent): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, content)}`;
}

function element(name: string, content: XmlContent): string {
  return isList(content)
    ? content.map((one) => element(name, one)).join("")
    : `<${name}>${inner(content)}</${name}>`;
}

function inner(content: Exclude<XmlContent, readonly XmlContent[]>): string {
  if (typeof content !== "object") {
    return escaped(String(content));
  }
  return Object.entries(content)
    .map(([name, value]) => (value === undefined ? "" : element(name, value)))
    .join("");
}

function isList(content: XmlContent): content is readonly XmlContent[] {
  return Array.isArray(content);
}

function escaped(text: string): string {
  return text.replace(
    // Line breaks and such would be read as spaces.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
    /[&<>"\u0000-\u001f]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}
