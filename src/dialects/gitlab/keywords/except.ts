import { policyKeyword } from '../ref-policy.ts';

/** The old way to say when a job is not in the pipeline. */
export const except = policyKeyword('except');
