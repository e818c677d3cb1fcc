/**
 * Why a target is not met, for the page that `--write` makes: `workload/row` (as the page lists it) → the reason.
 * What stands here for a row that is met is not shown.
 */
export const reasons: Readonly<Record<string, string>> = {};
