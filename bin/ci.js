#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import * as module from 'node:module';

const packageFile = new URL('../package.json', import.meta.url);
const argument = process.argv.length === 3 ? process.argv[2] : undefined;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (argument === '--version' || argument === '-V') {
  process.stdout.write(`${JSON.parse(readFileSync(packageFile, 'utf8')).version}\n`);
} else if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`ci needs Node 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 4;
} else {
  const entry = new URL('../dist/ci.js', import.meta.url);
  if (existsSync(entry)) {
    module.enableCompileCache?.();
    await import(entry.href);
  } else {
    process.stderr.write('ci is not built yet: run `npm ci` (or `npm run build`) in its folder first\n');
    process.exitCode = 4;
  }
}
