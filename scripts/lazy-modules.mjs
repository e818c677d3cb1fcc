import { dirname } from 'node:path';

/** Modules that libraries require at their start and that only some of their calls need. */
const rarelyNeeded = [
  // Commands that are programs of their own.
  ['commander', 'node:child_process'],
  // An ssh:// engine; BuildKit sessions.
  ['docker-modem', './ssh'],
  ['dockerode', './session'],
  // Building images; requests whose body is a stream of input.
  ['dockerode', 'tar-fs'],
  ['dockerode', '@balena/dockerignore'],
  ['docker-modem', './http_duplex'],
];

/** Modules that our own code imports, with the functions and classes that it takes of them. */
const lazyExports = {
  // Its tables take longer than reading a small pipeline.
  re2js: ['RE2JS'],
  'node:child_process': ['spawn', 'spawnSync'],
  'node:crypto': [
    ...['X509Certificate', 'createHash', 'createHmac', 'createPrivateKey', 'createPublicKey', 'generateKeyPairSync'],
    ...['randomBytes', 'randomInt', 'randomUUID', 'sign', 'timingSafeEqual'],
  ],
  // `ci lint` and `ci list` need none of them.
  'node:fs/promises': [
    ...['appendFile', 'chmod', 'copyFile', 'link', 'lstat', 'mkdir', 'mkdtemp', 'open', 'readFile', 'readdir'],
    ...['realpath', 'rename', 'rm', 'rmdir', 'stat', 'utimes', 'writeFile'],
  ],
  'node:inspector': ['Session'],
  'node:readline': ['createInterface'],
  'node:v8': ['setFlagsFromString'],
  'node:vm': ['runInNewContext'],
  'node:worker_threads': ['Worker'],
};

/** Code that makes a stand-in for the function or class that a function gives. */
const standIn = `const standIn = (real) => new Proxy(function () {}, {
  get: (_, name) => real()[name],
  apply: (_, self, args) => Reflect.apply(real(), self, args),
  construct: (_, args) => Reflect.construct(real(), args),
});`;

const anyOf = (paths) => new RegExp(`^(${paths.map((path) => path.replaceAll(/[./]/g, '\\$&')).join('|')})$`);

/** Plugin for esbuild: such a module is evaluated when something of it is first used, not when it is required. */
export const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: anyOf(rarelyNeeded.map(([, path]) => path)) }, async (given) => {
      const { path, importer, resolveDir, kind, pluginData } = given;
      const wanted = rarelyNeeded.some(
        ([library, each]) => each === path && new RegExp(`/node_modules/${library}/lib/[^/]+$`).test(importer),
      );
      if (!wanted || pluginData === 'real') return undefined;
      const found = await build.resolve(path, { resolveDir, importer, kind, pluginData: 'real' });
      return { path: found.path, namespace: 'lazy' };
    });
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      resolveDir: dirname(path),
      contents: `${standIn} module.exports = standIn(() => require(${JSON.stringify(path)}));`,
    }));
    build.onResolve({ filter: anyOf(Object.keys(lazyExports)) }, ({ path, kind, importer, resolveDir }) =>
      kind === 'import-statement' && !importer.includes('/node_modules/')
        ? { path, namespace: 'lazy-exports', pluginData: resolveDir }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy-exports' }, ({ path, pluginData: resolveDir }) => ({
      resolveDir,
      contents: [
        standIn,
        `const load = () => require(${JSON.stringify(path)});`,
        ...lazyExports[path].map((name) => `export const ${name} = standIn(() => load().${name});`),
      ].join('\n'),
    }));
  },
};
