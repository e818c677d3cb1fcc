// Compiles the JSON Schemas of schemas/ into one module of validators, so that nothing compiles a schema at run time.
// `node scripts/compile-schemas.mjs` writes src/syntax/generated/validators.js; the build and the tests call it too.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { transformSync } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const gitlabId = 'gitlab-ci.schema.json';
const ciId = 'ci.schema.json';
const circleId = 'circleci.schema.json';
const prefixes = { [gitlabId]: 'gitlab', [ciId]: 'ci', [circleId]: 'circle' };

/** Words for people and for the docs: without them the generated code is a third of the size. */
const annotations = new Set(['$schema', 'title', 'description', 'x-expected']);
/** Keywords whose value maps free names to schemas. */
const schemaMaps = new Set(['properties', 'patternProperties', '$defs']);
/** Keywords whose value is data. */
const dataKeywords = new Set(['enum', 'const', 'required', 'type']);

function mapValues(record, change) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

/** The schema without its annotations. */
function bare(schema) {
  if (Array.isArray(schema)) return schema.map(bare);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => !annotations.has(key));
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (schemaMaps.has(key)) return [key, mapValues(value, bare)];
      return [key, dataKeywords.has(key) ? value : bare(value)];
    }),
  );
}

/** Every `x-expected` phrase by the pointer of its schema behind `$defs/`, as error messages name it. */
function collectExpected(schema, pointer, found) {
  if (typeof schema !== 'object' || schema === null) return;
  if (typeof schema['x-expected'] === 'string') found[pointer] = schema['x-expected'];
  for (const [key, value] of Object.entries(schema)) {
    if (schemaMaps.has(key)) {
      for (const [name, inner] of Object.entries(value)) collectExpected(inner, `${pointer}/${key}/${name}`, found);
    } else if (!dataKeywords.has(key)) collectExpected(value, `${pointer}/${key}`, found);
  }
}

/** The keys a map of this definition may have, by the pointer of that map: for "did you mean". */
function collectKeys(schema, pointer, found) {
  if (typeof schema !== 'object' || schema === null) return;
  if (schema.additionalProperties === false && schema.properties !== undefined) {
    found[pointer] = Object.keys(schema.properties);
  }
  for (const [key, value] of Object.entries(schema)) {
    if (schemaMaps.has(key)) {
      for (const [name, inner] of Object.entries(value)) collectKeys(inner, `${pointer}/${key}/${name}`, found);
    } else if (!dataKeywords.has(key)) collectKeys(value, `${pointer}/${key}`, found);
  }
}

function collectAll(schemas, collect) {
  const found = {};
  for (const schema of schemas) {
    for (const [name, definition] of Object.entries(schema.$defs))
      collect(definition, shortPointer(`${schema.$id}#/$defs/${name}`), found);
  }
  return found;
}

function exportName(reference) {
  const [file = '', name = ''] = reference.split('#/$defs/');
  return `${prefixes[file]}_${name}`;
}

/** Top-level keyword → name of its validator. */
function keywordTable(schema) {
  return mapValues(schema.properties, (property) => {
    const reference = property.$ref.startsWith('#') ? schema.$id + property.$ref : property.$ref;
    return { reference, name: exportName(reference) };
  });
}

/** Name of each generated function → the definition it validates. */
function definitionsByFunction(ajv, wanted, ids) {
  const names = {};
  const add = (reference, env) => {
    if (env?.validateName !== undefined) names[env.validateName.str] = reference;
  };
  for (const id of ids) for (const [reference, env] of Object.entries(ajv.schemas[id].refs)) add(reference, env);
  for (const reference of Object.values(wanted)) add(reference, ajv.refs[reference]);
  return names;
}

/** `gitlab/script` for the definition `script` of GitLab's schema. */
function shortPointer(reference) {
  const [file, name] = reference.split('#/$defs/');
  return `${prefixes[file]}/${name}`;
}

/** What ajv writes out at every error; as a call it takes half of the room. */
const pushError =
  /const (err\d+) = (\{.*?\});if\(vErrors === null\)\{vErrors = \[\1\];\}else \{vErrors\.push\(\1\);\}/g;
// Only lists of plain values have to be unique here, so that no deep comparison is wanted.
const runtime = `function countCharacters(text) { return text.length; }
function addError(all, error) { if (all === null) return [error]; all.push(error); return all; }`;

/** Puts the definition in front of the schema paths of errors, which start at their own function otherwise. */
function nameSchemaPaths(code, definitions) {
  return code
    .split(/(?=function validate\d+\()/)
    .map((part) => {
      const name = /^function (validate\d+)\(/.exec(part)?.[1];
      if (name === undefined) return part;
      const definition = definitions[name];
      if (definition === undefined) throw new Error(`no definition is known for ${name}`);
      return part.replaceAll('schemaPath:"#/', `schemaPath:"${shortPointer(definition)}/`);
    })
    .join('')
    .replace(pushError, 'vErrors = addError(vErrors, $2);');
}

/** The `.ci.yml` schema stands by itself for editors; here what it shares with GitLab's is compiled only once. */
function shareDefinitions(ci, gitlab) {
  const shared = new Set(
    Object.keys(ci.$defs).filter((name) => JSON.stringify(ci.$defs[name]) === JSON.stringify(gitlab.$defs[name])),
  );
  const own = { ...ci, $defs: Object.fromEntries(Object.entries(ci.$defs).filter(([name]) => !shared.has(name))) };
  const redirect = (_, name) => `"$ref":"${shared.has(name) ? gitlabId : ''}#/$defs/${name}"`;
  return JSON.parse(JSON.stringify(own).replace(/"\$ref":"#\/\$defs\/(\w+)"/g, redirect));
}

function generate(gitlab, wholeCi, circle) {
  const ci = shareDefinitions(wholeCi, gitlab);
  const options = {
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
    strictTypes: false,
    inlineRefs: false,
    messages: false,
    code: { source: true, esm: true, lines: false },
  };
  const tables = [
    `export const expectedPhrases = ${JSON.stringify(collectAll([gitlab, ci, circle], collectExpected))};`,
    `export const knownKeys = ${JSON.stringify(collectAll([gitlab, ci, circle], collectKeys))};`,
  ];
  return {
    'validators.js': validatorsOf(new Ajv(options), { gitlab, ci }, tables),
    'circle-validators.js': validatorsOf(new Ajv(options), { circle }, []),
  };
}

/** One module with the validators of some languages. */
function validatorsOf(ajv, schemas, more) {
  for (const schema of Object.values(schemas)) ajv.addSchema(bare(schema));
  const wanted = {};
  const lines = Object.entries(schemas).map(([dialect, schema]) => {
    const job = `${schema.$id}#/$defs/job`;
    wanted[exportName(job)] = job;
    const rows = Object.entries(keywordTable(schema)).map(([keyword, { name, reference }]) => {
      wanted[name] = reference;
      return `${JSON.stringify(keyword)}: ${name}`;
    });
    return `${dialect}: { job: ${exportName(job)}, keywords: { ${rows.join(', ')} } }`;
  });
  const ids = Object.values(schemas).map(({ $id }) => $id);
  const code = nameSchemaPaths(standaloneCode(ajv, wanted), definitionsByFunction(ajv, wanted, ids));
  const exported = [`export const validators = { ${lines.join(', ')} };`, ...more];
  // Mostly drops the copies of schemas that ajv leaves in its code and nothing reads.
  const source = `${runtime}\n${code}\n${exported.join('\n')}\n`
    .replaceAll(/const (\w+) = require\("ajv\/dist\/runtime\/ucs2length"\)\.default;/g, 'const $1 = countCharacters;')
    .replaceAll(/const (\w+) = require\("ajv\/dist\/runtime\/equal"\)\.default;/g, 'const $1 = Object.is;');
  return transformSync(source, { format: 'esm', minify: true, treeShaking: true, charset: 'utf8' }).code;
}

/**
 * Writes `validators.js` and `circle-validators.js` into `outDir` (the folder that the source imports from, if left out) unless
 * they are up to date (they carry a hash of all that they were made from).
 * @returns the folder, and whether anything was written.
 */
export function compileSchemas({ outDir = join(root, 'src/syntax/generated') } = {}) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const sources = [
    ...[gitlabId, ciId, circleId].map((id) => `schemas/${id}`),
    'scripts/compile-schemas.mjs',
    'node_modules/ajv/package.json',
  ].map(read);
  const stamp = `// made from ${createHash('sha256').update(sources.join('\0')).digest('hex')}\n`;
  const path = join(outDir, 'validators.js');
  try {
    if (readFileSync(path, 'utf8').startsWith(stamp)) return { path, written: false };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  mkdirSync(outDir, { recursive: true });
  const made = generate(...sources.slice(0, 3).map((source) => JSON.parse(source)));
  // Renamed into place, the one that tells all is up to date last: another process may be loading the old ones.
  for (const [name, code] of Object.entries(made).reverse()) {
    const partial = join(outDir, `${name}.${process.pid}`);
    writeFileSync(partial, stamp + code);
    renameSync(partial, join(outDir, name));
  }
  return { path, written: true };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { path, written } = compileSchemas();
  console.log(`${path}: ${written ? 'written' : 'up to date'}`);
}
