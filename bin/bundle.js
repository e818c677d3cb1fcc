// Loads dist/ci.js with the code that V8 compiled from it before: compiling costs more than all else at the start.
// dist/ci.js is the text of one function; its first line is a comment with the hash of the rest, which marks what was
// compiled from it.
const fs = require('node:fs');
const { homedir } = require('node:os');
const { dirname, join, resolve } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

/** Parameters of the function in dist/ci.js. */
const parameters = ['require', '__dirname', 'bundleUrl'];

/** How long the mark at the end of a file of compiled code is, padded. */
const markLength = 128;

/** What compiled code has to come from: this text, this Node, this kind of machine. V8 checks the rest itself. */
function markOf(source) {
  const hash = source.slice(2, source.indexOf('*/'));
  return `${hash} ${process.version} ${process.platform} ${process.arch}`.padEnd(markLength);
}

/** A folder that others can write to could hold anybody's code: a file counts only if nobody else could make it. */
function isTrusted({ mode, uid }) {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
}

/** Compiled code of a file, undefined where there is none that fits. */
function readCompiled({ path, owner }, mark) {
  let file;
  try {
    file = fs.openSync(path, 'r');
    if (owner === 'user' && !isTrusted(fs.fstatSync(file))) return undefined;
    const bytes = fs.readFileSync(file);
    const end = bytes.length - markLength;
    return end > 0 && bytes.latin1Slice(end) === mark ? bytes.subarray(0, end) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** Keeps what V8 has compiled of a script until now. Whole or not at all: another `ci` may be reading. */
function writeCompiled({ script, mark }, { path, owner }) {
  if (owner === 'user') fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.${process.pid}.tmp`;
  const bytes = Buffer.concat([script.createCachedData(), Buffer.from(mark)]);
  try {
    fs.writeFileSync(partial, bytes, { mode: owner === 'user' ? 0o600 : 0o644, flag: 'wx' });
    fs.renameSync(partial, path);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
}

/** What V8 calls the script, also in the compiled code, which knows no path of where it was built. */
const filename = 'ci.js';

/**
 * @param file path of dist/ci.js.
 * @param places files that may hold compiled code, `{ path, owner }`; those of the owner `package` are as trustworthy
 * as the code itself.
 * @returns the bundle, not started yet; `used` is the place whose compiled code fits.
 */
function loadBundle(file, places) {
  // Latin-1 is read fastest, and the build writes nothing but ASCII.
  const source = fs.readFileSync(file, 'latin1');
  const mark = markOf(source);
  for (const place of places) {
    const cachedData = readCompiled(place, mark);
    if (cachedData === undefined) continue;
    const script = new Script(source, { filename, cachedData });
    if (!script.cachedDataRejected) return { file, script, mark, used: place };
  }
  return { file, script: new Script(source, { filename }), mark, used: undefined };
}

/** Starts it, with the `require` of a file of this package. */
function startBundle({ file, script }, require) {
  script.runInThisContext()(require, dirname(file), pathToFileURL(file).href);
}

/** Commands that start no job. */
const reading = new Set(['config', 'explain', 'graph', 'lint', 'list', 'plan']);

/** Where the build keeps compiled code. Those that only read have their own: to take in what jobs need costs as much as to read a file. */
function packagePlace(dist, command) {
  return { path: join(dist, reading.has(command) ? 'ci.read.compiled' : 'ci.compiled'), owner: 'package' };
}

/** Commands that people wait for. */
const commands = new Set([...reading, 'run']);

/**
 * Where a command's compiled code is kept for a user whose Node is not the one of the build; undefined for commands
 * that keep none. Below the folder that src/cli/locations.ts calls `cache`.
 */
function userPlace(env, command) {
  if (!commands.has(command)) return undefined;
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(env.HOME || homedir(), '.cache');
  const cache = env.CI_CLI_HOME ? resolve(env.CI_CLI_HOME, 'cache') : join(base, 'ci');
  const node = `${process.version}-${process.platform}-${process.arch}`;
  return { path: join(cache, 'compiled', node, command), owner: 'user' };
}

/** How much bytecode a function has run before V8 optimizes it: three times V8's own. */
const interruptBudget = 200_000;
/** V8 complains on standard error about a flag that it does not know, as those of later Nodes do. */
const nodeWithBudget = 20;

/**
 * Lets V8 optimize later. Most commands end before that pays: reading 1,000 jobs took a third less processor time, and
 * without the optimizing compiler there are 8 MB less to hold. Only where nothing compiled is written by this process:
 * V8 takes it only under the flags that it was written with.
 */
function optimizeLater() {
  if (Number.parseInt(process.versions.node, 10) !== nodeWithBudget) return;
  require('node:v8').setFlagsFromString(`--interrupt-budget=${interruptBudget}`);
}

/** Runs `dist/ci.js`; at the first success of a command without compiled code it is kept for the next time. */
function runBundle(dist, require) {
  const own = userPlace(process.env, process.argv[2]);
  const loaded = loadBundle(join(dist, 'ci.js'), [packagePlace(dist, process.argv[2]), ...(own ? [own] : [])]);
  if (own !== undefined && loaded.used === undefined) {
    process.on('exit', (code) => {
      if (code !== 0) return;
      try {
        writeCompiled(loaded, own);
      } catch {
        // A folder that can't be written: the next start takes as long as this one.
      }
    });
  }
  if (loaded.used !== undefined) optimizeLater();
  startBundle(loaded, require);
}

module.exports = { loadBundle, packagePlace, parameters, runBundle, startBundle, writeCompiled };
