/** Writes `validators.js` into `outDir` (by default where the source imports it from) unless it is up to date. */
export function compileSchemas(options?: { readonly outDir?: string }): {
  readonly path: string;
  readonly written: boolean;
};
