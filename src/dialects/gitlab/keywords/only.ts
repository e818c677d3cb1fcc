import { policyKeyword } from '../ref-policy.ts';

/** The old way to say when a job is in the pipeline. */
export const only = policyKeyword('only');
