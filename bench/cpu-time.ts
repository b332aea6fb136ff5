import { readFileSync } from 'node:fs';

/** User and system time of a process, all threads, in milliseconds (proc(5): fields 14 and 15, in ticks of 10 ms). */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
