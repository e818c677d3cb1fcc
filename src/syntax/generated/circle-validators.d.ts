/* Types of `circle-validators.js`, see `validators.d.ts`. */
import type { DialectValidators } from './validators.d.ts';

export const validators: { readonly circle: DialectValidators };
