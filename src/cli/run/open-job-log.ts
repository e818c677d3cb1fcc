import { openLogFile } from '../../reporters/log-files.ts';
import type { Output } from '../../reporters/output.ts';
import type { JobLog } from '../../schedule/plan-source-options.ts';

/** So many chunks may be on their way to the disk while the next one is read and masked. */
const mostUnderWay = 4;

/** Opens the log of a job's try. A slow disk and a slow terminal slow the job down, so that memory stays bounded. */
export async function openJobLog(path: string, output: Output): Promise<JobLog> {
  const log = await openLogFile(path);
  const underWay: Promise<void>[] = [];
  const later = async (written: Promise<void>): Promise<void> => {
    // One of the next writes, or `flush`, hears of it.
    written.catch(() => {});
    underWay.push(written);
    if (underWay.length > mostUnderWay) await underWay.shift();
    await output.ready();
  };
  return {
    path,
    sink: {
      write: (bytes) => {
        const written = log.write(bytes);
        return written === undefined ? output.ready() : later(written);
      },
      flush: () => (underWay.length === 0 ? undefined : Promise.all(underWay.splice(0)).then(() => {})),
    },
    close: () => log.close(),
  };
}
