import type { LogSink } from '../../model/ports.ts';
import type { Clock } from '../../util/clock.ts';
import { lineStamper } from './line-stamper.ts';

/**
 * A log whose lines say when they were written, and by whom; what is written to it by no stream of its own is the
 * runner's. A flush ends the lines of the job, as a script has ended then.
 */
export function stampedLog(sink: LogSink, clock: Clock): LogSink {
  const stampers = {
    system: lineStamper('00O', clock.now),
    stdout: lineStamper('01O', clock.now),
    stderr: lineStamper('01E', clock.now),
  };
  const put = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0) await sink.write(bytes);
  };
  const writerOf = (stream: keyof typeof stampers): LogSink => ({
    write: (bytes) => put(stampers[stream].take(bytes)),
  });
  return {
    ...writerOf('system'),
    of: writerOf,
    flush: async () => {
      await put(stampers.stdout.flush('ends'));
      await put(stampers.stderr.flush('ends'));
      await put(stampers.system.flush('goes-on'));
      await sink.flush?.();
    },
  };
}
