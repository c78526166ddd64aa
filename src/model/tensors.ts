import { type Architecture, tokenCount } from './architecture.ts';

/**
 * The tensors that a model of this architecture is made of: canonical (timm's) name -> shape.
 * Linear weights are `[out, in]`, row-major. `N` tokens, `D` width, `M` MLP width, `C` classes.
 */
export function tensorShapes(architecture: Architecture): Map<string, number[]> {
  const { channels, patchSize, width: D, mlpWidth: M, depth, classes: C } = architecture;
  const shapes = new Map<string, number[]>([
    ['cls_token', [1, 1, D]],
    ['pos_embed', [1, tokenCount(architecture), D]],
    ['patch_embed.proj.weight', [D, channels, patchSize[0], patchSize[1]]],
    ['patch_embed.proj.bias', [D]],
  ]);
  for (let block = 0; block < depth; block++) {
    const linear = (name: string, outputs: number, inputs: number) => {
      shapes.set(`blocks.${block}.${name}.weight`, [outputs, inputs]);
      shapes.set(`blocks.${block}.${name}.bias`, [outputs]);
    };
    const norm = (name: string) => {
      shapes.set(`blocks.${block}.${name}.weight`, [D]);
      shapes.set(`blocks.${block}.${name}.bias`, [D]);
    };
    norm('norm1');
    linear('attn.qkv', 3 * D, D);
    linear('attn.proj', D, D);
    norm('norm2');
    linear('mlp.fc1', M, D);
    linear('mlp.fc2', D, M);
  }
  shapes.set('norm.weight', [D]);
  shapes.set('norm.bias', [D]);
  shapes.set('head.weight', [C, D]);
  shapes.set('head.bias', [C]);
  return shapes;
}

/** Parameters of the model: the sum of its tensors' sizes. */
export function parameterCount(architecture: Architecture): number {
  let count = 0;
  for (const shape of tensorShapes(architecture).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}
