/**
 * A manifest as text: one line per tensor and shard, so that people can read it and versions can be compared.
 */
import type { Manifest } from '../weights/manifest.ts';

export function manifestText(manifest: Manifest): string {
  const { tensors, shards, ...rest } = manifest;
  const sections = Object.entries(rest).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const tensorLines = Object.entries(tensors).map(([name, entry]) => `    "${name}": ${JSON.stringify(entry)}`);
  const shardLines = shards.map((shard) => `    ${JSON.stringify(shard)}`);
  sections.push(`  "tensors": {\n${tensorLines.join(',\n')}\n  }`, `  "shards": [\n${shardLines.join(',\n')}\n  ]`);
  return `{\n${sections.join(',\n')}\n}\n`;
}
