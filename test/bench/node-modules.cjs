// `node --require` this: writes which of Node's own modules were loaded, as lines of the file $NODE_MODULES_LOADED.
const { appendFileSync } = require('node:fs');

process.on('exit', () => {
  const modules = process.moduleLoadList.flatMap((entry) => /^NativeModule (.*)$/.exec(entry)?.slice(1) ?? []);
  appendFileSync(process.env.NODE_MODULES_LOADED, modules.join('\n'));
});
