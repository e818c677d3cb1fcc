/** Codes of the area `plan/`, sorted, each with one line for the docs. */
export const planCodes = {} as const satisfies Readonly<Record<string, string>>;
