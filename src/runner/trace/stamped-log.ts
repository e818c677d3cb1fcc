import type { LogSink, LogStream } from '../../model/ports.ts';
import type { Clock } from '../../util/clock.ts';
import { type LineStamper, lineStamper, type StreamMark } from './line-stamper.ts';

/**
 * A log whose lines say when they were written, and by whom; what is written to it by no stream of its own is the
 * runner's. A flush ends the lines of the job's scripts, as one has ended then.
 */
export function stampedLog(sink: LogSink, clock: Pick<Clock, 'now'>): LogSink {
  const stampers = new Map<LogStream, LineStamper>();
  const stamperOf = (stream: LogStream): LineStamper => {
    const stamper = stampers.get(stream) ?? lineStamper(markOf(stream), clock.now);
    stampers.set(stream, stamper);
    return stamper;
  };
  const put = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length > 0) await sink.write(bytes);
  };
  const writerOf = (stream: LogStream): LogSink => {
    const stamper = stamperOf(stream);
    return { write: (bytes) => put(stamper.take(bytes)) };
  };
  return {
    ...writerOf('system'),
    of: writerOf,
    flush: async () => {
      for (const [stream, stamper] of stampers) {
        await put(stamper.flush(stream === 'stdout' || stream === 'stderr' ? 'ends' : 'goes-on'));
      }
      await sink.flush?.();
    },
  };
}

/** The numbers are GitLab Runner's, but that it has one for all services: so their lines could run into each other. */
function markOf(stream: LogStream): StreamMark {
  if (stream === 'system') return '00O';
  if (stream === 'stdout') return '01O';
  if (stream === 'stderr') return '01E';
  const number = Math.min(0xff, firstServiceNumber + Number(stream.slice('service-'.length)));
  return `${number.toString(16).padStart(2, '0')}O`;
}

const firstServiceNumber = 0x0f;
