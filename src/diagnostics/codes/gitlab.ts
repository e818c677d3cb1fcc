/** Codes of the area `gitlab/`, sorted, each with one line for the docs. */
export const gitlabCodes = {} as const satisfies Readonly<Record<string, string>>;
