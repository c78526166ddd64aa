/**
 * Outputs of runs: checks that a model has what is asked for, and joins those of several batches.
 */
import { shown, ViTError } from '../error.ts';
import type { Outputs } from '../interface.ts';
import type { FullArchitecture } from '../model/architecture.ts';
import { OUTPUT_NAMES, type OutputName } from '../model/outputs.ts';

/** @throws ViTError `bad-input` for an output that does not exist or that this model does not have */
export function requireOutputs(names: readonly OutputName[], { classes, pooling }: FullArchitecture): void {
  for (const name of names) {
    if (!OUTPUT_NAMES.includes(name)) {
      throw new ViTError('bad-input', `There is no output ${shown(name)}; there are ${OUTPUT_NAMES.join(', ')}.`);
    }
    if ((name === 'logits' || name === 'probabilities') && classes === 0) {
      throw new ViTError('bad-input', `This model has no classes, so it gives no ${name}; ask for the embedding.`);
    }
    if (name === 'embedding' && pooling === 'none') {
      throw new ViTError('bad-input', 'This model does not pool its tokens into an embedding; ask for the tokens.');
    }
  }
}

/** @param parts of at least one batch, all with the same outputs, each `[batch, ...]` */
export function joinOutputs(parts: Outputs[]): Outputs {
  if (parts.length === 1) return parts[0];
  const joined: Outputs = {};
  for (const name of Object.keys(parts[0]) as OutputName[]) {
    const tensors = parts.map((part) => part[name]!);
    const [, ...shape] = tensors[0].shape;
    const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
    let offset = 0;
    for (const tensor of tensors) {
      data.set(tensor.data, offset);
      offset += tensor.data.length;
    }
    joined[name] = { data, shape: [tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0), ...shape] };
  }
  return joined;
}
