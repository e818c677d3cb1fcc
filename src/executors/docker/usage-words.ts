/**
 * Shell words that end the bootstrap: they tell what the container has used, from the files in which the kernel counts
 * for it, as one line on standard error that begins with NUL. Only words that are built into every shell, so no process
 * is started; and the container's last reading costs no call to the engine, which could not give it once process 1
 * has ended. Nothing is told without a mark, by which the line is known from all else.
 * Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
 */
export const tellUsage = [
  'if [ -n "$__ci_mark" ]; then',
  '__ci_told=',
  '{',
  '__ci_tell() {',
  '[ -r "$2" ] && while IFS= read -r __ci_line; do',
  'case $__ci_line in',
  '*_file\\ *|oom_kill\\ *|oom\\ *|usage_usec\\ *|*:*|[0-9]*) __ci_told="$__ci_told$1 $__ci_line;" ;;',
  'esac',
  'done <"$2"',
  '}',
  // Version 1: each controller has a tree of its own, and the container sees its own branch.
  '__ci_tree=/sys/fs/cgroup',
  '__ci_tell cpu-ns $__ci_tree/cpuacct/cpuacct.usage',
  '__ci_tell peak $__ci_tree/memory/memory.max_usage_in_bytes',
  '__ci_tell memory $__ci_tree/memory/memory.stat',
  '__ci_tell kills $__ci_tree/memory/memory.oom_control',
  '__ci_tell disk $__ci_tree/blkio/blkio.throttle.io_service_bytes_recursive',
  // Version 2: one tree; a privileged container may see the whole machine's.
  'while IFS=: read -r __ci_number __ci_kinds __ci_path; do',
  'if [ "$__ci_number$__ci_kinds" = 0 ]; then __ci_tree=$__ci_tree$__ci_path; break; fi',
  'done </proc/self/cgroup',
  '__ci_tell cpu-us "$__ci_tree/cpu.stat"',
  '__ci_tell peak "$__ci_tree/memory.peak"',
  '__ci_tell memory "$__ci_tree/memory.stat"',
  '__ci_tell kills "$__ci_tree/memory.events"',
  '__ci_tell disk "$__ci_tree/io.stat"',
  '__ci_tell network /proc/net/dev',
  '} 2>/dev/null',
  `printf '\\000ci-usage %s %s%s\\n' "$__ci_mark" "$__ci_told" "$__ci_mark" >&2`,
  'fi',
].join('\n');
