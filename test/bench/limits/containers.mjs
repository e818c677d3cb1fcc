// The least that containers cost: the engine's API over its socket; for each job create, attach, start, script by
// stdin, read to the end, remove. `containers.mjs SOCKET IMAGE COUNT CONCURRENCY NETWORK_MODE`
import { request } from 'node:http';

const [, , socketPath, image, count, concurrency, networkMode] = process.argv;

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
    const asked = request({ socketPath, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString();
        if (response.statusCode >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
        else resolve(answer === '' ? undefined : JSON.parse(answer));
      });
    });
    asked.on('error', reject);
    asked.end(text);
  });
}

function attach(id) {
  return new Promise((resolve, reject) => {
    const path = `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`;
    const asked = request({ socketPath, method: 'POST', path, headers: { Connection: 'Upgrade', Upgrade: 'tcp' } });
    asked.on('upgrade', (_response, socket) => resolve(socket));
    asked.on('response', (response) => reject(new Error(`attach: ${response.statusCode}`)));
    asked.on('error', reject);
    asked.end();
  });
}

const removals = [];

async function runOne() {
  const { Id } = await call('POST', '/containers/create', {
    Image: image,
    Cmd: ['sh'],
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { NetworkMode: networkMode },
  });
  const socket = await attach(Id);
  const end = call('POST', `/containers/${Id}/wait?condition=next-exit`);
  await call('POST', `/containers/${Id}/start`);
  socket.resume();
  socket.end('true\n');
  const { StatusCode } = await end;
  socket.destroy();
  if (StatusCode !== 0) throw new Error(`exit code ${StatusCode}`);
  removals.push(call('DELETE', `/containers/${Id}?force=1&v=1`));
}

let left = Number(count);
await Promise.all(
  Array.from({ length: Number(concurrency) }, async () => {
    while (left-- > 0) await runOne();
  }),
);
await Promise.all(removals);
