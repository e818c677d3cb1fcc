import type { Step } from '../model/step.ts';
import { assertNever } from '../util/assert-never.ts';
import type { Section } from './job-log.ts';

/** GitLab Runner's names and captions for the parts of a job's log. Source: `common/build_logger.go`, `shells/` */
export function sectionOf(step: Step, job: 'successful' | 'failed'): Section {
  const { phase } = step;
  const on = job === 'successful' ? 'success' : 'failure';
  switch (step.kind) {
    case 'checkout':
      return { name: 'get_sources', caption: 'Getting source from Git repository', phase };
    case 'restore-cache':
      return { name: 'restore_cache', caption: 'Restoring cache', phase };
    case 'download-artifacts':
      return { name: 'download_artifacts', caption: 'Downloading artifacts', phase };
    case 'run':
      return { name: step.name, caption: runCaption(step.name, phase), phase, ...levelOf(step) };
    case 'save-cache': {
      const name = job === 'successful' ? 'archive_cache' : 'archive_cache_on_failure';
      return { name, caption: `Saving cache for ${job} job`, phase };
    }
    case 'upload-artifacts':
    case 'test-report':
      return { name: `upload_artifacts_on_${on}`, caption: `Uploading artifacts for ${job} job`, phase };
    case 'release':
      return { name: 'step_release', caption: 'Executing "step_release" stage of the job script', phase };
    case 'publish-pages':
      return { name: 'publish_pages', caption: 'Publishing pages', phase };
    case 'reach-engine':
      return { name: 'reach_engine', caption: 'Setting up a container engine', phase };
    case 'refuse':
      return { name: 'prepare_script', caption: 'Preparing environment', phase };
    case 'persist-workspace':
      return { name: 'persist_workspace', caption: 'Persisting to workspace', phase };
    case 'attach-workspace':
      return { name: 'attach_workspace', caption: 'Attaching workspace', phase };
    default:
      return assertNever(step);
  }
}

/** A shell that prints its commands says by itself what it is at. */
function levelOf({ echo, phase }: Step & { kind: 'run' }): Pick<Section, 'level'> {
  return echo === 'plain' && phase === 'script' ? { level: 'step' } : {};
}

function runCaption(name: string, phase: Step['phase']): string {
  if (phase === 'after' || phase === 'prepare') return `Running ${name}`;
  return name.startsWith('step_') ? `Executing "${name}" stage of the job script` : name;
}
