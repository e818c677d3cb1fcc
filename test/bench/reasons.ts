/** The same for all rows of no-op jobs. */
const perJob =
  'A plain loop that starts bash as a job’s has to be started (a hundred variables of its own, the script on standard input, a session of its own), and copies the tree, keeps a log, tells events and removes the copy, takes 1.6 to 2.0 × by itself on this machine (`scheduler, as jobs` below). To load the program and read the pipeline, which `ci list` does, is another 0.35 × of 100 jobs and 0.07 × of 500. That leaves next to nothing for all that makes a job of a script (needs, variables, masking, results, what is kept of them). Ours takes 1.4 to 1.6 × of that plain loop, start included: some 2 ms a job are our own. Profile (`perf`, 500 jobs, nothing else running): all processes take 1.6 times the processor time of that plain loop; Node has 51 % of it (37 its own code, which is V8’s interpreter, inline caches, collector and compiler; 3 compiled code; 9 the kernel), the helper in Perl that forks 23 %, bash 23 %, removal 3 %; a quarter of the two processors is idle because each job is waited for (`-j 6`: a tenth less time). Within Node it is spread so evenly that only copying the directory of the job has a tenth: events and their reporters, the log, looking for processes that were left, variables, all else in hundreds of small functions. Starting to compile earlier or later, or a larger young space, changes nothing: in so short a run little gets hot.';

/** The same for all rows of a tree that is copied. */
const copying =
  'The limit copies content alone. What else is owed is measured beside it, by as plain a program with two workers (`as a snapshot`, `as a job`, `as jobs` below): it keeps modes and times, looks at each file of the user before and after it is copied, lists what git names, runs the scripts, and removes what a job had.';

/**
 * Why a target is not met, for the page that `--write` makes: `workload/row` (as the page lists it) → the reason.
 * What stands here for a row that is met is not shown.
 */
export const reasons: Readonly<Record<string, string>> = {
  'jobs-flat-100/time': perJob,
  'jobs-flat-100/faster than wireit': `${perJob} wireit isolates nothing and keeps no log.`,
  'jobs-chain-100/time': `${perJob} In a chain the way to the helper, the start of bash and its end are waited for each time.`,
  'jobs-chain-100/faster than wireit': 'As flat 100.',
  'jobs-dag-100/time': 'As flat 100.',
  'jobs-dag-100/faster than wireit': 'As flat 100.',
  'jobs-dag-500/time': 'As flat 100.',
  'jobs-dag-500/faster than wireit': 'As flat 100.',
  'jobs-fan-in/time': 'As flat 100.',
  'jobs-fan-in/faster than wireit': 'As flat 100.',
  'matrix-growth/time': 'As flat 100.',
  'matrix-growth/growth of memory':
    'At the edge of the bound: 6.3 to 7.1 × in several runs, of the few MB that 100 legs take beyond one job; V8 decides when its heap grows.',
  'fan-in-growth/time':
    'Each job has a copy of the tree, whose three lists of 100,000 needs are 4 MB here: 1.7 ms to copy and to remove. The plain loop of flat 100, which does that too, takes 4.1 × by itself, and ours 1.07 × of that.',
  'fan-in-growth/growth of time': 'Within the noise of one run: the bound is 5.2.',
  'skew/more than 2.2 s':
    'Start of the program (0.1 s), of three jobs, and the end of the run; the bound is met in some runs and missed by 10 % in others. wireit, which loads less and keeps no log, took 0.2 s as well.',
  'log-10000/memory of ours':
    'Node alone has 39 MB; the rest does not grow with the log but for garbage among V8’s old objects, which is collected when it comes to 6 MB.',
  'tree-30000/cold': `${copying} That takes 1.2 × of the bare copy, and ours 1.4 × of that: to load the program, read the pipeline and run one job is 0.12 s, and to write down how 30,000 files looked, so that the next run need not copy them, 0.06 s.`,
  'tree-growth/cold': `${copying} For 30,000 files that takes 1.2 × of the bare copy.`,
  'tree-30000/each further job by copy': `${copying} That takes 1.3 × of the bare copy (\`as a job\`), and ours 0.9 × of that.`,
  'tree-30000/warm':
    'At the edge of the bound: 0.12 s are the run of a job without a tree; the rest is the `lstat` of 30,000 files (0.1 s, by two threads, one of which takes 0.03 s to start) and git’s listing beside it.',
  'artifacts-10000/by overlay':
    'At the edge of the bound: `cp -a` in the producing job is 0.25 s of it, hard links of 10,000 files 0.1 s, their removal 0.1 s.',
  'artifacts-10000/by copy': `${copying} That takes 1.15 to 1.2 × of the bare copies: \`cp -a\` in the producing job, while a processor is idle, and the removal of 40,000 files are most of it. Ours is 1.25 to 1.45 × of that: it hard links what the job made where that program renames a directory, since more than one upload may take the same files; 1.25 times its processor time.`,
  'cache-20000/by copy': `${copying} With a look at each file after the job, whether anything was changed, that takes 1.7 × of the bare copy, 14 × Node’s start, and ours 1.5 to 1.65 × of that: 0.12 s are the run of a job without a tree, the rest two threads that start only when it is known what the cache holds, and a look that knows patterns and makes a fingerprint.`,
  'containers-20/time':
    'At the edge of the bound: 1.04 to 1.16 × in several runs; most of it is the engine, which starts each container as it does for the raw calls.',
  'memory/memory of list': 'Node alone has 41 MB, the bundle and its compiled code 8.',
};
