/** Codes of the area `ci/`, sorted, each with one line for the docs. */
export const ciCodes = {
  'ci/duplicate-job': 'A job stands both at the top level and under `jobs`.',
  'ci/invalid-step': 'A step lacks something that it needs, or has the wrong form.',
  'ci/steps-and-script': 'A job has both `steps` and a script.',
  'ci/unknown-step': 'A step has a name that does not exist.',
} as const satisfies Readonly<Record<string, string>>;
