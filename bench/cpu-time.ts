import { readdirSync, readFileSync } from 'node:fs';

/** User and system time of a process, all threads, in milliseconds (proc(5): fields 14 and 15, in ticks of 10 ms). */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Microseconds that PostgreSQL's processes for clients of a database have run, all that ever were seen; Linux. */
export function cpuOfDatabase(database: string): () => number {
  const seen = new Map<string, number>();
  return () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(` ${database} 127.0.0.1`)) continue;
        // Nanoseconds, of its one thread.
        seen.set(pid, Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000);
      } catch {
        // It has ended meanwhile.
      }
    }
    return [...seen.values()].reduce((sum, one) => sum + one, 0);
  };
}
