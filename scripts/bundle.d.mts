export function bundle(
  outdir: string,
  options?: { readonly names?: 'short' | 'kept' },
): Promise<readonly { readonly module: string; readonly bytes: number }[]>;

export const loaders: Readonly<Record<string, 'text'>>;
