/**
 * Takes the user and password out of every address in a document: what is before the last `@` of a word, behind `//` if
 * there is one. Proxies are often written without it, and passwords hold anything.
 */
export function redacted<T>(document: T): T {
  if (typeof document === 'string') return withoutLogins(document) as T;
  if (Array.isArray(document)) return document.map((each: unknown) => redacted(each)) as T;
  if (typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, redacted(value)])) as T;
}

function withoutLogins(text: string): string {
  return text.replaceAll(/\/\/\S*@(?=[\w[])/g, '//***@').replaceAll(/(?<![\w/])[\w.%+-]+:[^\s/]\S*@(?=[\w[])/g, '***@');
}
