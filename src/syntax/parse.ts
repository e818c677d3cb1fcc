import type { Checked } from '../diagnostics/diagnostic.ts';
import type { Node } from './node.ts';

/** `yaml-1.1`: as Ruby's Psych reads (GitLab). `yaml-1.2`: the core schema plus merge keys (CircleCI). */
export type ScalarRules = 'yaml-1.1' | 'yaml-1.2';

/** Parses one YAML file; `documents` has one node a document (a `spec:` header may come first). */
export declare function parseYaml(file: string, text: string, rules: ScalarRules): Checked<readonly Node[]>;
