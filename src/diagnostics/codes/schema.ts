/** Codes of the area `schema/`, sorted, each with one line for the docs. */
export const schemaCodes = {} as const satisfies Readonly<Record<string, string>>;
