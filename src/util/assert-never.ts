/**
 * Closes a `switch` over a union: the compiler refuses the call while a member is unhandled.
 * @throws Error when reached at run time, which is a bug of ours.
 */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
