import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { networkFeatures, runnerInfo } from '../../../src/runner/network/features.ts';
import type { JobRequestOutcome } from '../../../src/runner/network/gitlab-client.ts';
import { unsupportedOptions } from '../../../src/runner/network/payload.ts';
import { remoteJobOf } from '../../../src/runner/network/remote-job.ts';
import { describeRows, type Row, rowsOf } from '../support/corpus.ts';
import { clientOf, info, jumpingClock, networkGiven, scriptedOf } from '../support/network.ts';
import { inTurn, json, type Seen, scriptedServer } from '../support/scripted-server.ts';

const signal = new AbortController().signal;

function checkSent(row: Row, seen: Seen | undefined): void {
  expect(`${seen?.method} ${seen?.url}`).toBe(`${row.given.method} ${row.given.path}`);
  for (const [name, value] of Object.entries<string | number>(row.given.headers ?? {})) {
    const sent = seen!.headers[name.toLowerCase()];
    expect(sent, name).toBe(value === '== body.token' ? seen!.json()['token'] : String(value));
  }
}

/** `info.features.x` of a value. */
function at(value: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter((key) => key !== '')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

describeRows('asking for a job', () => {
  it.each(rowsOf('request_job.'))('$name', async (row) => {
    const { given, expected } = row;
    const clock = jumpingClock();
    const plain = row.server_response ?? { status: 204 };
    await using server = await scriptedServer((_seen, count) =>
      given.stored_last_update !== undefined && count === 0
        ? { status: 204, headers: { 'X-GitLab-Last-Update': given.stored_last_update } }
        : scriptedOf(plain),
    );
    const { client, lines } = clientOf({ url: given.url ?? server.url, token: given.token ?? 'validtoken' }, { clock });
    const ask = (): Promise<JobRequestOutcome> => client.requestJob({ info, systemId: 'test-system-id', signal });
    if (given.stored_last_update !== undefined) await ask();
    const outcome = await ask();
    const sent = server.seen.at(-1);
    if (expected.healthy !== undefined) expect(outcome.healthy).toBe(expected.healthy);
    if (given.path !== undefined) checkSent(row, sent);
    if (given.body !== undefined) expect(sent!.json()).toMatchObject(given.body);
    for (const [path, value] of Object.entries(expected.request_body ?? {})) expect(at(sent!.json(), path)).toBe(value);
    if (expected.attempts !== undefined) {
      expect(server.seen).toHaveLength(expected.attempts);
      expect(clock.slept).toEqual([1000, 1000, 1000, 1000]);
      expect(outcome.retried).toBe(true);
    }
    checkJob(expected, outcome);
    if (expected.log !== undefined) {
      const [line] = lines.filter(({ message }) => message.startsWith('Checking for jobs...')).slice(-1);
      const fields = Object.entries(line!.fields).map(([key, value]) => `${key}=${value} ${key}="${value}"`);
      const text = `${line!.level} ${line!.message} ${fields.join(' ')}`;
      for (const part of expected.log.split(/ (?=\w+=)/)) expect(text).toContain(part);
    }
  });
});

function checkJob(expected: Row['expected'], outcome: JobRequestOutcome): void {
  if (expected.job === null) expect(outcome.kind).not.toBe('job');
  if (!expected.job) return;
  if (outcome.kind !== 'job') throw new Error(`no job: ${JSON.stringify(outcome)}`);
  for (const [path, value] of Object.entries(expected.job)) {
    if (path === 'services.length') expect(outcome.job.services).toHaveLength(value as number);
    else expect(at(outcome.job, path)).toBe(value);
  }
  for (const name of expected.unsupported_options_error_mentions ?? []) {
    expect(unsupportedOptions(outcome.job)).toContain(name);
  }
}

describeRows('updating a job', () => {
  it.each(rowsOf('update_job.', 'update_interval.put'))('$name', async (row) => {
    const { given, expected } = row;
    await using server = await scriptedServer(inTurn(scriptedOf(row.server_response)));
    const { client, lines } = clientOf({ url: server.url, token: 'runner' });
    const { state, failure_reason: failureReason, output, token } = given.body;
    const updated = await client.updateJob(
      { id: Number(given.path.split('/').pop()), token },
      {
        state,
        info,
        ...(failureReason === undefined ? {} : { failureReason }),
        ...(output === undefined ? {} : output),
        runtimeEnvironmentKey: '',
      },
    );
    checkSent(row, server.seen[0]);
    expect(server.seen[0]!.json()).toMatchObject(given.body);
    const names: Record<string, string> = {
      accepted_but_not_completed: 'accepted',
      trace_validation_failed: 'trace-rejected',
    };
    expect(updated.state).toBe(names[expected.state ?? 'succeeded'] ?? expected.state ?? 'succeeded');
    if (expected.cancel_requested !== undefined) expect(updated.cancelRequested).toBe(expected.cancel_requested);
    if (expected.new_update_interval_s !== undefined) {
      expect(updated.updateIntervalSeconds).toBe(expected.new_update_interval_s);
      expect(lines.some(({ message }) => message.includes('Failed to parse'))).toBe(expected.warn_unparsable);
    }
    for (const [path, value] of Object.entries(expected.request_body ?? {})) {
      expect(at(server.seen[0]!.json(), path)).toBe(value);
    }
    if (expected.request_lacks) expect(server.seen[0]!.json()).not.toHaveProperty(expected.request_lacks);
  });

  it.each(rowsOf('remote_state.'))('$name', ({ given, expected }) => {
    const headers = { 'x-gitlab-trace-update-interval': given.header };
    expect(remoteJobOf(headers, () => {}).updateIntervalSeconds).toBe(expected.remote_update_interval_s);
  });
});

describeRows('sending a trace', () => {
  it.each(rowsOf('patch_trace.', 'update_interval.patch'))('$name', async (row) => {
    const { given, expected } = row;
    await using server = await scriptedServer(inTurn(scriptedOf(row.server_response ?? { status: 500 })));
    const { client, lines } = clientOf({ url: server.url, token: 'runner' });
    const patched = await client.patchTrace(
      { id: 1, token: 'token' },
      {
        content: Buffer.from(given.content),
        startOffset: given.start_offset,
        debugTrace: given.path?.endsWith('=true') ? 'on' : 'off',
      },
    );
    const [sent] = server.seen;
    if (given.path !== undefined) checkSent(row, sent);
    if (expected.request_sent !== undefined) {
      expect(server.seen).toHaveLength(expected.request_sent ? 1 : 0);
      expect(sent?.headers['content-range'] ?? null).toBe(expected.content_range);
      if (expected.request_sent) expect(sent!.headers['content-length']).toBe(String(expected.content_length));
    }
    if (expected.raw_query !== undefined) expect(sent!.url.split('?')[1]).toBe(expected.raw_query);
    if (expected.state !== undefined) expect(patched.state).toBe(expected.state.replace('_', '-'));
    if (expected.sent_offset !== undefined) expect(patched.sentOffset).toBe(expected.sent_offset);
    if (expected.cancel_requested !== undefined) expect(patched.cancelRequested).toBe(expected.cancel_requested);
    if (expected.new_update_interval_s !== undefined) {
      expect(patched.updateIntervalSeconds).toBe(expected.new_update_interval_s);
      expect(lines.some(({ message }) => message.includes('Failed to parse'))).toBe(expected.warn_unparsable);
    }
  });
});

describeRows('artifacts', () => {
  it.each(rowsOf('artifacts_upload.'))('$name', async (row) => {
    const { given, expected } = row;
    const list = Array.isArray(row.server_response) ? row.server_response : [row.server_response ?? { status: 500 }];
    await using server = await scriptedServer(inTurn(...list.map((answer) => scriptedOf(answer))));
    const { client } = clientOf({ url: server.url, token: 'runner' });
    const content = given.parts?.file ?? '';
    const uploaded = await client.uploadArtifacts(
      { id: 10, token: given.headers?.['JOB-TOKEN'] ?? 'token' },
      {
        filename: 'artifacts.zip',
        open: async () => {
          if (given.file !== undefined) throw new Error('ENOENT');
          return Readable.from([Buffer.from(content)]);
        },
        type: '',
        format: given.path?.includes('artifact_format=zip') ? 'zip' : '',
        expireIn: '',
      },
    );
    const names: Record<string, string> = { too_large: 'too-large', service_unavailable: 'unavailable' };
    expect(uploaded.state).toBe(names[expected.state] ?? expected.state);
    if (expected.request_sent === false) return expect(server.seen).toEqual([]);
    const last = server.seen.at(-1)!;
    expect(last.headers['job-token']).toBe(given.headers['JOB-TOKEN']);
    expect(last.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(last.headers['transfer-encoding']).toBe('chunked');
    expect(last.body.toString()).toContain(`\r\n\r\n${content}\r\n--`);
    expect(last.body.toString()).toContain('name="file"; filename="artifacts.zip"');
    expect(server.seen[0]!.url).toBe(given.path);
    expect(server.seen).toHaveLength(expected.attempts ?? expected.requests ?? 1);
    if (list[1]?.at !== undefined) expect(last.url).toBe(list[1].at);
    if (expected.log_matches) expect(uploaded.why).toMatch(new RegExp(expected.log_matches));
    else if (expected.log) expect(uploaded.why).toContain(expected.log.replace(/^.*\.\.\. /, ''));
  });

  it.each(rowsOf('artifacts_download.'))('$name', async (row) => {
    const { given, expected } = row;
    await using server = await scriptedServer(inTurn(scriptedOf(row.server_response)));
    const { client } = clientOf({ url: server.url, token: 'runner' });
    const direct = /direct_download=(\w+)/.exec(given.path)?.[1] as 'true' | 'false' | undefined;
    const token = given.headers['JOB-TOKEN'];
    const take = async (): Promise<void> => {
      throw new Error('there is nothing to take');
    };
    const downloaded = await client.downloadArtifacts({ id: 10, token }, { direct: direct ?? 'omitted', take });
    checkSent(row, server.seen[0]);
    expect(downloaded.state).toBe(expected.state);
    if (row.name.endsWith('_json')) expect(downloaded.why).toContain('403 Forbidden (not allowed)');
  });
});

describeRows('info', () => {
  it.each(rowsOf('info.'))('$name', ({ given, expected }) => {
    const labels = { ...given.global_labels, ...given.runner_labels };
    const traits = { executor: given.executor ?? 'e', shell: given.shell ?? 's', features: [], labels };
    const made = runnerInfo(networkGiven().identity, traits);
    for (const name of expected.features_true ?? []) expect(made.features).toMatchObject({ [name]: true });
    for (const [name, value] of Object.entries(expected.info ?? {})) {
      if (value === 'non-empty') expect(at(made, name)).toBeTruthy();
      else expect(at(made, name)).toEqual(value);
    }
    expect(Object.keys(made.features)).toHaveLength(31);
    expect(Object.values(made.features).filter(Boolean)).toHaveLength(networkFeatures.length);
  });

  it('is JSON that the server reads', () => {
    expect(json(200, info).body).toContain('"refspecs":true');
  });
});
