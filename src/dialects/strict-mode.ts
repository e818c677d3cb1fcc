/**
 * What `bash -eo pipefail` would do, in words that a plain `sh` knows too. For text that is run as it is: without it a failure in
 * the middle would go unnoticed.
 */
export const strictMode = 'set -e; if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi';
