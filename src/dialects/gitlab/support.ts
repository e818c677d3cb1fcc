/** What a keyword, or a key inside of one, means in a local run. `how`: what happens instead, or why. */
export type Support =
  | { readonly state: 'runs' }
  | { readonly state: 'simulated'; readonly how: string }
  /** Legal and without effect: a warning says what happens instead; not where the value, in `unless`, asks for just that. */
  | { readonly state: 'ignored'; readonly how: string; readonly unless?: readonly string[] }
  | { readonly state: 'refused'; readonly how: string };

/** Keys inside of a keyword by their path, `key:files` for `files` in `key`; lists on the way are passed through. */
export type Parts = Readonly<Record<string, Support>>;

/** Keys that do what they do on GitLab. */
export function runs(...paths: readonly string[]): Parts {
  return Object.fromEntries(paths.map((path) => [path, { state: 'runs' }]));
}

/** A key whose effect is imitated; `how`: by what. */
export function simulated(how: string): Support {
  return { state: 'simulated', how };
}

/** A key without effect; `how`: what happens instead. A warning tells it at each place, but for values in `unless`. */
export function ignored(how: string, values: { readonly unless?: readonly string[] } = {}): Support {
  return { state: 'ignored', how, ...values };
}

/** A key that is an error here though GitLab knows it; `how`: why. */
export function refused(how: string): Support {
  return { state: 'refused', how };
}
