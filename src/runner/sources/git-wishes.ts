import type { Repository } from '../../model/repository.ts';

/** How a job wants its sources, as its `GIT_*` variables say. */
export interface GitWishes {
  readonly strategy: 'fetch' | 'clone' | 'none' | 'empty';
  /** false: the files stay as the last job of this place had them. */
  readonly checkout: boolean;
  /** Commits of history; 0: all. */
  readonly depth: number;
  readonly cleanFlags: readonly string[] | 'none';
  readonly fetchFlags: readonly string[];
  readonly submodules: Submodules | undefined;
  /** false: large files stay pointers. */
  readonly lfs: boolean;
  /** 1 to 10. */
  readonly attempts: number;
}

/** `GIT_SUBMODULE_…` of a job, read; `depth` 0 is all of the history, `paths` as `git submodule` takes them. */
export interface Submodules {
  readonly recursive: boolean;
  readonly depth: number;
  readonly paths: readonly string[];
  readonly updateFlags: readonly string[];
  /** Addresses of ssh are asked for by https. */
  readonly forceHttps: boolean;
}

/** The wishes, and what of them can't be met. An `error` fails the job. */
export interface ReadWishes {
  readonly wishes: GitWishes;
  readonly warnings: readonly string[];
  readonly error?: string;
}

/**
 * Flags that change nothing but what is fetched, checked out or removed. Others are left out: git runs beside the job,
 * and flags such as `--upload-pack` would let a job run commands there.
 */
const harmless = {
  fetch:
    /^(--(prune|no-prune|quiet|force|tags|no-tags|verbose|progress|no-progress|atomic|no-auto-gc|prune-tags)|-[pqftnv]+|--(jobs|filter|shallow-since|deepen|negotiation-tip)=[\w:./^*-]+|-j\d+)$/,
  clean: /^(-[fdxXqn]+|--(force|quiet|dry-run)|-e|--exclude=.*)$/,
  submodule:
    /^(--(remote|force|no-fetch|checkout|progress|quiet|recommend-shallow|no-recommend-shallow|single-branch|no-single-branch)|-[qfN]+|--(jobs|filter)=[\w:./-]+|--jobs|-j|\d+)$/,
} as const;

/** Source: https://docs.gitlab.com/ci/runners/configure_runners/#configure-runner-behavior-with-variables */
export function gitWishes(repository: Repository, variable: (name: string) => string | undefined): ReadWishes {
  const warnings: string[] = [];
  const text = (name: string): string => (variable(name) ?? '').trim();
  const isTrue = (name: string, otherwise: boolean): boolean => truth(text(name)) ?? otherwise;
  const flags = (name: string, kind: keyof typeof harmless, otherwise: string): readonly string[] => {
    if (kind === 'fetch' && text(name) === 'none') return [];
    const { kept, left } = sorted((text(name) || otherwise).split(/\s+/), kind);
    if (left.length > 0) warnings.push(`${name}: ${left.join(' ')} is left out, since git runs beside the job`);
    return kept;
  };
  const strategy = strategyOf(text('GIT_STRATEGY'), repository, warnings);
  const submoduleStrategy = text('GIT_SUBMODULE_STRATEGY') || 'none';
  const depth = countOf(text('GIT_DEPTH')) ?? repository.depth;
  const wishes: GitWishes = {
    strategy,
    checkout: isTrue('GIT_CHECKOUT', true),
    depth,
    cleanFlags: text('GIT_CLEAN_FLAGS') === 'none' ? 'none' : flags('GIT_CLEAN_FLAGS', 'clean', '-ffdx'),
    fetchFlags: flags('GIT_FETCH_EXTRA_FLAGS', 'fetch', '--prune --quiet'),
    submodules: ['normal', 'recursive'].includes(submoduleStrategy)
      ? {
          recursive: submoduleStrategy === 'recursive',
          depth: countOf(text('GIT_SUBMODULE_DEPTH')) ?? depth,
          paths: text('GIT_SUBMODULE_PATHS')
            .split(/\s+/)
            .filter((path) => path !== ''),
          updateFlags:
            text('GIT_SUBMODULE_UPDATE_FLAGS') === '' ? [] : flags('GIT_SUBMODULE_UPDATE_FLAGS', 'submodule', ''),
          forceHttps: isTrue('GIT_SUBMODULE_FORCE_HTTPS', false),
        }
      : undefined,
    lfs: !isTrue('GIT_LFS_SKIP_SMUDGE', false),
    attempts: attemptsOf(text('GET_SOURCES_ATTEMPTS')),
  };
  if (['none', 'normal', 'recursive'].includes(submoduleStrategy)) return { wishes, warnings };
  return {
    wishes,
    warnings,
    error: `GIT_SUBMODULE_STRATEGY can't be ${submoduleStrategy}, only none, normal or recursive`,
  };
}

/** Word by word, as git reads them: what follows a pattern's `-e` is the pattern. */
function sorted(words: readonly string[], kind: keyof typeof harmless) {
  const kept: string[] = [];
  const left: string[] = [];
  let isPattern = false;
  for (const word of words) {
    (isPattern || harmless[kind].test(word) ? kept : left).push(word);
    isPattern = kind === 'clean' && word === '-e' && !isPattern;
  }
  return { kept, left };
}

function strategyOf(written: string, { strategy }: Repository, warnings: string[]): GitWishes['strategy'] {
  if (written === '') return strategy;
  if (written === 'fetch' || written === 'clone' || written === 'none' || written === 'empty') return written;
  warnings.push(`GIT_STRATEGY can't be ${written}: it is ${strategy}`);
  return strategy;
}

function truth(text: string): boolean | undefined {
  if (/^(true|t|1)$/i.test(text)) return true;
  return /^(false|f|0)$/i.test(text) ? false : undefined;
}

/** From 1 to 10; anything that is no number is 1. */
function attemptsOf(text: string): number {
  return /^\d+$/.test(text) ? Math.min(10, Math.max(1, Number(text))) : 1;
}

function countOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
