/** Told what a document holds, in its order. */
export interface XmlVisitor {
  open(name: string, attributes: ReadonlyMap<string, string>): void;
  /** A piece of text or CDATA; the text of an element may come in several pieces. */
  text(text: string): void;
  close(name: string): void;
}

/** Deeper than any document that a program writes on purpose. */
const mostDepth = 256;

/**
 * Reads a document of XML from its begin to its end and keeps none of it. Only the five entities of XML itself and numbers of
 * characters are replaced; document types are passed over and what they declare is never expanded, so that a short text can't
 * become a long one, and nothing outside of it is read.
 * @returns what is wrong with it, one clause; what comes before that place has been told.
 */
export function readXml(source: string, visitor: XmlVisitor): string | undefined {
  const open: string[] = [];
  let at = source.startsWith('\uFEFF') ? 1 : 0;
  let hasRoot = false;
  while (at < source.length) {
    const tag = source.indexOf('<', at);
    const text = source.slice(at, tag < 0 ? source.length : tag);
    if (open.length > 0) visitor.text(decodeEntities(text));
    else if (text.trim() !== '') return `it holds text outside of all elements, ${lineOf(source, at)}`;
    if (tag < 0) break;
    const markup = passOver(source, tag);
    if (markup !== undefined) {
      if (markup.end === undefined) return `${markup.what} is never closed, ${lineOf(source, tag)}`;
      if (markup.text !== undefined && open.length > 0) visitor.text(markup.text);
      at = markup.end;
      continue;
    }
    const element = readTag(source, tag);
    if (element === undefined) return `this is not a tag, ${lineOf(source, tag)}`;
    at = element.end;
    if (element.kind !== 'close') {
      if (open.length === 0 && hasRoot) return `it has a second root element, ${lineOf(source, tag)}`;
      if (open.length >= mostDepth) return `its elements are nested more than ${mostDepth} deep`;
      hasRoot = true;
      visitor.open(element.name, element.attributes);
      if (element.kind === 'open') open.push(element.name);
      else visitor.close(element.name);
    } else if (open.pop() === element.name) visitor.close(element.name);
    else return `</${element.name}> closes nothing, ${lineOf(source, tag)}`;
  }
  if (open.length > 0) return `it ends inside of <${open.at(-1)}>`;
  return hasRoot ? undefined : 'it holds no element';
}

interface Passed {
  readonly what: string;
  /** Undefined: it never ends. */
  readonly end: number | undefined;
  readonly text?: string;
}

/** Comments, CDATA, instructions, document types; undefined: a tag of an element. */
function passOver(source: string, at: number): Passed | undefined {
  const until = (what: string, start: number, mark: string): Passed => {
    const end = source.indexOf(mark, at + start);
    return { what, end: end < 0 ? undefined : end + mark.length };
  };
  if (source.startsWith('<!--', at)) return until('a comment', 4, '-->');
  if (source.startsWith('<?', at)) return until('an instruction', 2, '?>');
  if (source.startsWith('<![CDATA[', at)) {
    const passed = until('CDATA', 9, ']]>');
    return passed.end === undefined ? passed : { ...passed, text: source.slice(at + 9, passed.end - 3) };
  }
  return source.startsWith('<!', at) ? { what: 'a document type', end: endOfDocumentType(source, at + 2) } : undefined;
}

/** Brackets and quotes inside of it may hold `>`. */
function endOfDocumentType(source: string, start: number): number | undefined {
  const interesting = /["'[\]>]/g;
  interesting.lastIndex = start;
  let brackets = 0;
  for (let match = interesting.exec(source); match !== null; match = interesting.exec(source)) {
    const [char] = match;
    if (char === '[') brackets++;
    else if (char === ']') brackets--;
    else if (char !== '>') {
      const end = source.indexOf(char, match.index + 1);
      if (end < 0) return undefined;
      interesting.lastIndex = end + 1;
    } else if (brackets <= 0) return match.index + 1;
  }
  return undefined;
}

interface Tag {
  readonly kind: 'open' | 'close' | 'empty';
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly end: number;
}

const noAttributes: ReadonlyMap<string, string> = new Map();

function readTag(source: string, at: number): Tag | undefined {
  const head = /<(\/?)([^\s<>/="'&]+)/y;
  head.lastIndex = at;
  const [, slash, name] = head.exec(source) ?? [];
  if (name === undefined) return undefined;
  const attribute = /\s+([^\s<>/="']+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
  attribute.lastIndex = head.lastIndex;
  let attributes: Map<string, string> | undefined;
  let end = head.lastIndex;
  for (let match = attribute.exec(source); match !== null; match = attribute.exec(source)) {
    attributes ??= new Map();
    attributes.set(match[1]!, decodeEntities(match[2] ?? match[3]!));
    end = attribute.lastIndex;
  }
  const tail = /\s*(\/?)>/y;
  tail.lastIndex = end;
  const closing = tail.exec(source);
  if (closing === null || (slash === '/' && (attributes !== undefined || closing[1] === '/'))) return undefined;
  const kind = slash === '/' ? 'close' : closing[1] === '/' ? 'empty' : 'open';
  return { kind, name, attributes: attributes ?? noAttributes, end: tail.lastIndex };
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (written, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? written;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code === 0 || code > 0x10ffff ? '\uFFFD' : String.fromCodePoint(code);
  });
}

function lineOf(source: string, at: number): string {
  let line = 1;
  for (let end = source.indexOf('\n'); end >= 0 && end < at; end = source.indexOf('\n', end + 1)) line++;
  return `line ${line}`;
}
