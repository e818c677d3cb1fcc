import { type InputSpec, readInputSpecs } from '../inputs/input-spec.ts';
import type { Keyword } from '../keyword.ts';
import { simulated } from '../support.ts';

const defaultsOnly = simulated('each input has its default: nobody is asked for another value');

/** Inputs of a job, for those who start it by hand. Source: https://docs.gitlab.com/ci/jobs/job_inputs/ */
export const inputs: Keyword<readonly InputSpec[]> = {
  name: 'inputs',
  scopes: ['job'],
  support: defaultsOnly,
  parts: { interpolation: defaultsOnly },
  read: ({ value }, reading) => readInputSpecs(value, 'job', reading),
};
