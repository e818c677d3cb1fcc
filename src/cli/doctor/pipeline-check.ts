import { countText } from '../../util/count-text.ts';
import type { Check } from './check.ts';

/** Which pipeline file would be used here, and what it needs of the machine. Nothing of it is run. */
export const pipelineCheck: Check = {
  id: 'pipeline',
  look: async (machine) => {
    const pipeline = await machine.pipeline();
    switch (pipeline.kind) {
      case 'none':
        return { status: 'ok', message: 'no pipeline file here', details: pipeline };
      case 'invalid':
        return {
          status: 'warn',
          message: `${pipeline.name} is not valid`,
          fix: '`ci lint` says why',
          details: pipeline,
        };
      case 'valid': {
        const { name, jobsInDocker, jobsInShell } = pipeline;
        const message = `${name}: ${countText(jobsInShell, 'job')} in the shell, ${jobsInDocker} in containers`;
        return { status: 'ok', message, details: pipeline };
      }
    }
  },
};
