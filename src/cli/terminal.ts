/**
 * Where commands write to: a process's streams, or whatever a test puts in their place.
 */
export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line beside the result. */
  warn(line: string): void;
  /** Replaces the line shown last by this one; `''` takes it away. Shows nothing where nobody watches. */
  progress(line: string): void;
}

export const processTerminal: Terminal = {
  print: (line) => console.log(line),
  warn: (line) => console.error(line),
  progress(line) {
    // ESC [K clears what a longer line left.
    if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
  },
};

/** Columns side by side, each as wide as its widest cell. */
export function table(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column].length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** `1 shard`, `2 shards` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
