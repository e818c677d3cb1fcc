/** Codes of the area `ci/`, sorted, each with one line for the docs. */
export const ciCodes = {} as const satisfies Readonly<Record<string, string>>;
