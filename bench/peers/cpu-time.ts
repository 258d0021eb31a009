import { readFile } from 'node:fs/promises';

/** `USER_HZ`: the same on every Linux, whatever the kernel's own clock does. */
const TICKS_PER_SECOND = 100;

/** The processor time that all threads of a process have used, in milliseconds; from Linux's `/proc`. */
export async function cpuMsOf(pid: number): Promise<number> {
  return cpuMsIn(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/** @param stat the content of `/proc/PID/stat`: user and system time are its fields 14 and 15 */
export function cpuMsIn(stat: string): number {
  // Field 2, the name of the program, may have spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isFinite(ticks)) throw new Error('this is not the status of a process');
  return (ticks * 1000) / TICKS_PER_SECOND;
}
