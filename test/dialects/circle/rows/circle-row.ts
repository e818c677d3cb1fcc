/** A text that is taken, and one that is refused, or why there is none. */
export type CircleRow = readonly [passes: string, refuses: string | { readonly none: string }];
