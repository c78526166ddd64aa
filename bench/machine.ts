/**
 * The machine of a run: what it is, and whether it was busy with something else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

export interface Machine {
  processor: string;
  cores: number;
  /** GiB. */
  memory: number;
  system: string;
  node: string;
  /** Processes that ran or waited, averaged over the minute before the run. Windows does not report it: 0. */
  loadAverage: number;
  busy: boolean;
}

/** More than one process besides ours: figures say more of the neighbours than of the systems measured. */
const BUSY = 1;

export function describeMachine(): Machine {
  const loadAverage = os.loadavg()[0];
  return {
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memory: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    loadAverage: Math.round(loadAverage * 100) / 100,
    busy: loadAverage > BUSY,
  };
}

/**
 * Bytes that a process and all its children have held at most, each at its own worst moment; null where the system does
 * not report it (only Linux does). What processes share is counted in each.
 */
export function peakMemory(rootPid: number): number | null {
  try {
    const parents = new Map<number, number>();
    for (const entry of readdirSync('/proc')) if (/^\d+$/.test(entry)) parents.set(Number(entry), parentOf(entry));
    let total = 0;
    for (const pid of parents.keys()) if (descendsFrom(pid, rootPid, parents)) total += highWaterMark(pid);
    return total > 0 ? total : null;
  } catch {
    return null;
  }
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0; // It ended meanwhile.
  }
}

function descendsFrom(pid: number, root: number, parents: Map<number, number>): boolean {
  for (let at: number | undefined = pid; at; at = parents.get(at)) if (at === root) return true;
  return false;
}

function highWaterMark(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
