import { dirname } from 'node:path';

/** Modules that dockerode requires at its start and that only some of its calls need. */
const rarelyNeeded = [
  // An ssh:// engine; BuildKit sessions.
  ['docker-modem', './ssh'],
  ['dockerode', './session'],
  // Building images; requests whose body is a stream of input.
  ['dockerode', 'tar-fs'],
  ['dockerode', '@balena/dockerignore'],
  ['docker-modem', './http_duplex'],
];

/** Plugin for esbuild: such a module is evaluated when something of it is first used, not when it is required. */
export const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    const paths = [...new Set(rarelyNeeded.map(([, path]) => path.replaceAll(/[./]/g, '\\$&')))];
    build.onResolve(
      { filter: new RegExp(`^(${paths.join('|')})$`) },
      async ({ path, importer, resolveDir, kind, pluginData }) => {
        const wanted = rarelyNeeded.some(
          ([library, each]) => each === path && new RegExp(`/node_modules/${library}/lib/[^/]+$`).test(importer),
        );
        if (!wanted || pluginData === 'real') return undefined;
        const found = await build.resolve(path, { resolveDir, importer, kind, pluginData: 'real' });
        return { path: found.path, namespace: 'lazy' };
      },
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      resolveDir: dirname(path),
      contents: `const load = () => require(${JSON.stringify(path)});
        module.exports = new Proxy(function () {}, {
          get: (_, name) => load()[name],
          apply: (_, self, args) => Reflect.apply(load(), self, args),
          construct: (_, args) => Reflect.construct(load(), args),
        });`,
    }));
  },
};
