/** Takes the user and password out of every address in a document: what is between `//` and `@`. */
export function redacted<T>(document: T): T {
  if (typeof document === 'string') return document.replaceAll(/\/\/[^\s/@]+@/g, '//***@') as T;
  if (Array.isArray(document)) return document.map((each: unknown) => redacted(each)) as T;
  if (typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, redacted(value)])) as T;
}
