/** Properties that may be missing, without the missing ones. */
export type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, since an optional property must not hold it (`exactOptionalPropertyTypes`). */
export function present<T extends Record<string, unknown>>(properties: T): Present<T> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as Present<T>;
}
