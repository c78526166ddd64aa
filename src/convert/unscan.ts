/**
 * Tensors that hold all blocks of a network, as Flax's `scan` leaves them: `[blocks, …]`, shown as one tensor per block.
 */
import { ViTError } from '../error.ts';
import { type Checkpoint, elementCount, type StoredTensor } from './checkpoint.ts';
import type { Family } from './families/family.ts';
import { fillPattern, matchPattern } from './families/map-tensors.ts';

interface Block {
  /** In the file. */
  whole: string;
  index: number;
  tensor: StoredTensor;
}

/**
 * The same checkpoint where nothing is scanned.
 * @throws ViTError `bad-input` when a tensor has no blocks, or another number of them than the others
 */
export function unscan(checkpoint: Checkpoint, { scanned }: Family): Checkpoint {
  if (!scanned) return checkpoint;
  const tensors = new Map<string, StoredTensor>();
  const blocks = new Map<string, Block>();
  let first: { name: string; count: number } | undefined;
  for (const [name, tensor] of checkpoint.tensors) {
    const match = matchPattern(scanned.from, name);
    if (!match) {
      tensors.set(name, tensor);
      continue;
    }
    const [count = 0, ...shape] = tensor.shape;
    first ??= { name, count };
    if (count === 0 || count !== first.count) {
      throw new ViTError(
        'bad-input',
        `${name} has shape [${tensor.shape}], whose first axis is not that of ${first.name}: ${first.count} blocks.`,
      );
    }
    if (count > MOST_BLOCKS)
      throw new ViTError('bad-input', `${name} has ${count} blocks; ${MOST_BLOCKS} is the most.`);
    for (let index = 0; index < count; index++) {
      const one = fillPattern(scanned.to, { ...match, block: String(index) });
      const part = { ...tensor, shape, bytes: tensor.bytes / count };
      tensors.set(one, part);
      blocks.set(one, { whole: name, index, tensor: part });
    }
  }
  return {
    format: checkpoint.format,
    tensors,
    async read(name) {
      const block = blocks.get(name);
      if (!block) return checkpoint.read(name);
      const count = elementCount(block.tensor.shape);
      const from = block.index * count;
      if (checkpoint.readPart) return checkpoint.readPart(block.whole, from, count);
      return (await checkpoint.read(block.whole)).slice(from, from + count);
    },
  };
}

/** More than any model has, so that a small file cannot be a list without end. */
const MOST_BLOCKS = 1000;
