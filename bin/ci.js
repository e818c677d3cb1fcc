#!/usr/bin/env node
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const argument = process.argv.length === 3 ? process.argv[2] : undefined;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (argument === '--version' || argument === '-V') {
  process.stdout.write(`${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`);
} else if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`ci needs Node 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 4;
} else if (existsSync(join(root, 'dist/ci.js'))) {
  require('./bundle.js').runBundle(join(root, 'dist'), require);
} else {
  process.stderr.write('ci is not built yet: run `npm ci` (or `npm run build`) in its folder first\n');
  process.exitCode = 4;
}
