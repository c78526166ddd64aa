/**
 * Part of a model: some of its tensors, and the shards that hold them.
 */
import { type Manifest, shardStarts } from './manifest.ts';

export type Part = Pick<Manifest, 'tensors' | 'shards'>;

/** @param has whether a tensor belongs to it; at least one does */
export function partOf({ tensors, shards }: Part, has: (tensor: string) => boolean): Part {
  const own = Object.entries(tensors).filter(([name]) => has(name));
  const starts = shardStarts(shards);
  const first = Math.min(...own.map(([, { shard }]) => shard));
  const last = Math.max(
    ...own.map(([, { shard, offset, bytes }]) => {
      const end = starts[shard] + offset + bytes;
      return starts.findIndex((start) => start >= end) - 1;
    }),
  );
  return {
    tensors: Object.fromEntries(own.map(([name, tensor]) => [name, { ...tensor, shard: tensor.shard - first }])),
    shards: shards.slice(first, last + 1),
  };
}
