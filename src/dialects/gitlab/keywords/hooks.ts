import { notRun } from '../keyword.ts';

/** Commands around the stages of a job, such as before the sources are fetched. */
export const hooks = notRun('hooks', ['job', 'default'], 'the job runs without the hooks', ['pre_get_sources_script']);
