/**
 * A model under the names, shapes and orders of other libraries: the converter's work backwards, written from the
 * libraries' definitions. It shares no line with the converter.
 */
import type { Checkpoint } from '../../src/convert/checkpoint.ts';

export interface Tensor {
  shape: readonly number[];
  data: Float32Array<ArrayBuffer>;
}

export type Tensors = Map<string, Tensor>;

/** @param shapes by name, as a manifest has them */
export function tensorsOf(
  shapes: Record<string, { shape: readonly number[] }>,
  data: ReadonlyMap<string, Float32Array>,
): Tensors {
  return new Map(Object.entries(shapes).map(([name, { shape }]) => [name, { shape, data: data.get(name)!.slice() }]));
}

export function checkpointOf(tensors: Tensors): Checkpoint {
  const stored = [...tensors].map(
    ([name, { shape, data }]) => [name, { shape, dtype: 'f32', bytes: data.byteLength }] as const,
  );
  return { format: 'made up', tensors: new Map(stored), read: async (name) => tensors.get(name)!.data.slice() };
}

/** transformers' ViT on disk, as of a classifier. */
export function huggingFaceNames(model: Tensors): Tensors {
  return rename(model, {
    cls_token: 'vit.embeddings.cls_token',
    pos_embed: 'vit.embeddings.position_embeddings',
    'patch_embed.proj': 'vit.embeddings.patch_embeddings.projection',
    norm1: 'vit.encoder.layer.#.layernorm_before',
    'attn.qkv': (tensor, block, kind) =>
      split(tensor, 3).map((part, i) => [
        `vit.encoder.layer.${block}.attention.attention.${['query', 'key', 'value'][i]}.${kind}`,
        part,
      ]),
    'attn.proj': 'vit.encoder.layer.#.attention.output.dense',
    norm2: 'vit.encoder.layer.#.layernorm_after',
    'mlp.fc1': 'vit.encoder.layer.#.intermediate.dense',
    'mlp.fc2': 'vit.encoder.layer.#.output.dense',
    norm: 'vit.layernorm',
    head: 'classifier',
  });
}

/** @param numbers tensors of one number each; `input_resolution` and its like make it OpenAI's own archive */
export function openAiNames(model: Tensors, numbers: Record<string, number> = {}): Tensors {
  const marks = { input_resolution: 0, context_length: 0, vocab_size: 0, ...numbers };
  const block = (tower: string): Table => ({
    norm1: `${tower}transformer.resblocks.#.ln_1`,
    'attn.qkv': (tensor, number, kind) => [[`${tower}transformer.resblocks.${number}.attn.in_proj_${kind}`, tensor]],
    'attn.proj': `${tower}transformer.resblocks.#.attn.out_proj`,
    norm2: `${tower}transformer.resblocks.#.ln_2`,
    'mlp.fc1': `${tower}transformer.resblocks.#.mlp.c_fc`,
    'mlp.fc2': `${tower}transformer.resblocks.#.mlp.c_proj`,
  });
  const isText = (name: string) => name.startsWith('text.');
  const image = rename(
    pick(model, (name) => !isText(name)),
    {
      cls_token: (tensor) => [['visual.class_embedding', squeezed(tensor, 1)]],
      pos_embed: (tensor) => [['visual.positional_embedding', squeezed(tensor, 2)]],
      'patch_embed.proj': 'visual.conv1',
      norm_pre: 'visual.ln_pre',
      ...block('visual.'),
      norm: 'visual.ln_post',
      fc_norm: 'visual.ln_post',
      projection: (tensor) => [['visual.proj', transposed(tensor)]],
    },
  );
  const texts = new Map([...pick(model, isText)].map(([name, tensor]) => [name.slice('text.'.length), tensor]));
  const text = rename(texts, {
    token_embed: 'token_embedding',
    pos_embed: 'positional_embedding',
    ...block(''),
    norm: 'ln_final',
    projection: (tensor) => [['text_projection', transposed(tensor)]],
  });
  const scalars = Object.entries(marks).map(
    ([name, value]) => [name, { shape: [], data: Float32Array.of(value) }] as const,
  );
  return new Map([...image, ...text, ...scalars]);
}

/** DINOv2 as its training keeps it: two blocks per chunk, numbered throughout. */
export function dinov2Names(model: Tensors): Tensors {
  const chunk =
    (rest: string): Write =>
    (tensor, block, kind) => [
      [`blocks.${Math.floor(Number(block) / 2)}.${block}.${rest}${kind ? `.${kind}` : ''}`, tensor],
    ];
  const names = ['norm1', 'attn.qkv', 'attn.proj', 'ls1.gamma', 'norm2', 'mlp.fc1', 'mlp.fc2', 'ls2.gamma'];
  const renamed = rename(model, {
    cls_token: 'cls_token',
    pos_embed: 'pos_embed',
    'patch_embed.proj': 'patch_embed.proj',
    ...Object.fromEntries(names.map((name) => [name, chunk(name)])),
    norm: 'norm',
  });
  return renamed.set('mask_token', { shape: [1, 1], data: Float32Array.of(1) });
}

/** @param modules of a block, in the order norm, attention, norm, MLP */
export function jaxNames(
  model: Tensors,
  heads: number,
  modules = ['LayerNorm_0', 'MultiHeadDotProductAttention_1', 'LayerNorm_2', 'MlpBlock_3'],
): Tensors {
  const [norm1, attention, norm2, mlp] = modules;
  const block = 'Transformer/encoderblock_#';
  const normed =
    (name: string): Write =>
    (tensor, number, kind) => [[`${name.replace('#', number)}/${kind === 'weight' ? 'scale' : 'bias'}`, tensor]];
  const dense =
    (name: string): Write =>
    (tensor, number, kind) => [
      kind === 'weight'
        ? [`${name.replace('#', number)}/kernel`, transposed(tensor)]
        : [`${name.replace('#', number)}/bias`, tensor],
    ];
  return rename(model, {
    cls_token: 'cls',
    pos_embed: 'Transformer/posembed_input/pos_embedding',
    'patch_embed.proj': (tensor, _, kind) =>
      kind === 'weight' ? [['embedding/kernel', permuted(tensor, [2, 3, 1, 0])]] : [['embedding/bias', tensor]],
    norm1: normed(`${block}/${norm1}`),
    'attn.qkv': (tensor, number, kind) =>
      split(tensor, 3).map((part, i) => {
        const name = `${block.replace('#', number)}/${attention}/${['query', 'key', 'value'][i]}`;
        const [rows, columns] = part.shape;
        if (kind === 'bias') return [`${name}/bias`, { ...part, shape: [heads, rows / heads] }];
        return [`${name}/kernel`, { ...transposed(part), shape: [columns, heads, rows / heads] }];
      }),
    'attn.proj': (tensor, number, kind) => {
      const name = `${block.replace('#', number)}/${attention}/out`;
      if (kind === 'bias') return [[`${name}/bias`, tensor]];
      const [rows, columns] = tensor.shape;
      return [[`${name}/kernel`, { ...transposed(tensor), shape: [heads, columns / heads, rows] }]];
    },
    norm2: normed(`${block}/${norm2}`),
    'mlp.fc1': dense(`${block}/${mlp}/Dense_0`),
    'mlp.fc2': dense(`${block}/${mlp}/Dense_1`),
    norm: normed('Transformer/encoder_norm'),
    head: dense('head'),
  });
}

/** The blocks of `jaxNames` in one array each. */
export function scanned(model: Tensors): Tensors {
  const result: Tensors = new Map();
  for (const [name, tensor] of model) {
    const one = name.replace(/encoderblock_\d+/, 'encoderblock');
    const before = result.get(one);
    if (one === name) result.set(name, tensor);
    else {
      const data = Float32Array.from([...(before?.data ?? []), ...tensor.data]);
      result.set(one, { shape: [(before?.shape[0] ?? 0) + 1, ...tensor.shape], data });
    }
  }
  return result;
}

/** As vit-pytorch is now, but without the norms around the projection, which timm has not. */
export function vitPytorchNames(model: Tensors): Tensors {
  const layer = 'transformer.layers.#';
  return rename(model, {
    cls_token: 'cls_token',
    pos_embed: 'pos_embedding',
    'patch_embed.proj': (tensor, _, kind) => {
      if (kind === 'bias') return [['to_patch_embedding.1.bias', tensor]];
      const [rows, ...features] = tensor.shape;
      const vectors = permuted(tensor, [0, 2, 3, 1]).data;
      return [['to_patch_embedding.1.weight', { shape: [rows, features.reduce((a, b) => a * b)], data: vectors }]];
    },
    norm1: `${layer}.0.norm`,
    'attn.qkv': `${layer}.0.to_qkv`,
    'attn.proj': `${layer}.0.to_out.0`,
    norm2: `${layer}.1.net.0`,
    'mlp.fc1': `${layer}.1.net.1`,
    'mlp.fc2': `${layer}.1.net.4`,
    norm: 'transformer.norm',
    head: 'mlp_head',
  });
}

/** @param kind `weight`, `bias`, or nothing for a tensor without either */
type Write = (tensor: Tensor, block: string, kind: string) => [string, Tensor][];

/** By the name of a module, without its block: a name whose `#` is the block, or what is written. */
type Table = Record<string, string | Write>;

function rename(model: Tensors, table: Table): Tensors {
  const renamed: Tensors = new Map();
  for (const [name, tensor] of model) {
    const {
      block = '',
      module,
      kind = '',
    } = /^(blocks\.(?<block>\d+)\.)?(?<module>.+?)(\.(?<kind>weight|bias))?$/.exec(name)!.groups!;
    const write = table[module];
    if (write === undefined) throw new Error(`no name for ${name}`);
    const entries: [string, Tensor][] =
      typeof write === 'string'
        ? [[`${write.replace('#', block)}${kind ? `.${kind}` : ''}`, tensor]]
        : write(tensor, block, kind);
    for (const [other, value] of entries) renamed.set(other, value);
  }
  return renamed;
}

function pick(model: Tensors, fits: (name: string) => boolean): Tensors {
  return new Map([...model].filter(([name]) => fits(name)));
}

/** The last `rank` axes; those before have one element. */
function squeezed({ shape, data }: Tensor, rank: number): Tensor {
  return { shape: shape.slice(-rank), data };
}

function split({ shape: [rows, ...rest], data }: Tensor, parts: number): Tensor[] {
  const size = data.length / parts;
  return Array.from({ length: parts }, (_, i) => ({
    shape: [rows / parts, ...rest],
    data: data.slice(i * size, (i + 1) * size),
  }));
}

function transposed(tensor: Tensor): Tensor {
  return permuted(tensor, [1, 0]);
}

/** Axis i of the outcome is axis `order[i]`. */
function permuted({ shape, data }: Tensor, order: number[]): Tensor {
  const to = order.map((axis) => shape[axis]);
  const result = new Float32Array(data.length);
  for (let i = 0; i < result.length; i++) {
    const index = new Array<number>(shape.length);
    for (let axis = to.length - 1, rest = i; axis >= 0; axis--) {
      index[order[axis]] = rest % to[axis];
      rest = Math.floor(rest / to[axis]);
    }
    result[i] = data[index.reduce((at, position, axis) => at * shape[axis] + position, 0)];
  }
  return { shape: to, data: result };
}
