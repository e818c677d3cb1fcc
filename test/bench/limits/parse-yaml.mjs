// A process that only parses. `parse-yaml.mjs yaml|js-yaml MODULE_URL FILE…`
import { readFileSync } from 'node:fs';

const [, , name, url, ...files] = process.argv;
const library = await import(url);
const parse = name === 'yaml' ? library.parse : (library.load ?? library.default.load);
let keys = 0;
for (const file of files) keys += Object.keys(parse(readFileSync(file, 'utf8'), { maxAliasCount: -1 })).length;
process.stdout.write(`${keys}\n`);
