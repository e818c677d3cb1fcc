/** A function that makes its value at the first call and gives that one ever after; tries again if making it throws. */
export function once<T extends object | number>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
