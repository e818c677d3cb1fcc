import { constants, copyFile } from 'node:fs';
import { removeTree } from './remove-tree.ts';

/** Whether files copied from one directory to the other share their blocks until one is written to. */
export function reflinks(fromFile: string, toDirectory: string): Promise<boolean> {
  const probe = `${toDirectory}/.reflink-probe-${process.pid}`;
  return new Promise((resolve) => {
    copyFile(fromFile, probe, constants.COPYFILE_FICLONE_FORCE, (error) => {
      removeTree(probe).then(
        () => resolve(error === null),
        () => resolve(false),
      );
    });
  });
}
