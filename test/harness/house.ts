/**
 * The rooms of `src`: what each knows, and which others it may import. CONTRIBUTING's table is this one.
 */

export interface Room {
  /** A folder of `src`, or a file of it. */
  name: string;
  knows: string;
  mayImport: readonly string[];
}

const LEAVES = ['error.ts', 'interface.ts'];

export const HOUSE: readonly Room[] = [
  { name: 'error.ts', knows: 'the one error of the library, and how it crosses between threads', mayImport: [] },
  {
    name: 'interface.ts',
    knows: 'what page, client, worker and engine say to each other: types, no code',
    mayImport: ['error.ts', 'model', 'weights', 'convert'],
  },
  { name: 'version.ts', knows: 'the release', mayImport: [] },
  {
    name: 'index.ts',
    knows: 'the public API',
    mayImport: ['client', 'image', 'model', 'weights', ...LEAVES],
  },
  {
    name: 'notation.ts',
    knows: 'how a size, resize and crop are written, in flags and in the form of the page',
    mayImport: ['model'],
  },
  { name: 'page', knows: 'the classification page', mayImport: ['index.ts', 'notation.ts'] },
  {
    name: 'apps',
    knows: 'the library in the frameworks of apps: hooks for React, a custom element',
    mayImport: ['index.ts'],
  },
  {
    name: 'search',
    knows: 'an index of embeddings: its files, the best of its rows, a worker of its own; knows no model',
    mayImport: ['client', 'annexes', 'worker', 'wasm', 'weights', 'version.ts', 'error.ts'],
  },
  {
    name: 'node',
    knows: 'the library in Node: files, pictures decoded by sharp, a thread for the engine',
    mayImport: ['index.ts', 'client', 'annexes', 'worker', 'image', 'model', ...LEAVES],
  },
  {
    name: 'client',
    knows: 'a loaded model as its caller sees it: worker, queue, abort, ranking; words and heads, which are an annex',
    mayImport: [...['worker', 'annexes', 'version.ts', 'image', 'gpu', 'model', 'weights', 'text'], ...LEAVES],
  },
  {
    name: 'annexes',
    knows: 'files beside the core that are fetched when they are needed: where they are, how they are had',
    mayImport: ['version.ts', 'error.ts'],
  },
  {
    name: 'annexes/entries',
    knows: 'what each brings, and is built from',
    mayImport: [
      ...['annexes', 'engine', 'engine/tune', 'engine/check', 'engine/run', 'client', 'kernels', 'cpu'],
      ...['text', 'weights', 'checkpoint', 'interface.ts'],
    ],
  },
  {
    name: 'worker',
    knows: '`worker.ts` serves the engine; `wire.ts` is the transport',
    mayImport: ['engine', ...LEAVES],
  },
  {
    name: 'engine',
    knows: 'the life of a model: load, run, loss, fallback',
    mayImport: [
      ...['engine/run', 'engine/choose', 'engine/tune', 'engine/check', 'engine/pixels'],
      ...['annexes', 'backend.ts', 'cpu', 'text', 'weights', 'image', 'kernels', 'model', 'gpu'],
      ...['version.ts', ...LEAVES],
    ],
  },
  {
    name: 'engine/run',
    knows: 'a plan on the GPU: programs, packed weights, activations',
    mayImport: ['engine/choose', 'kernels', 'gpu', 'model', 'weights', ...LEAVES],
  },
  {
    name: 'engine/choose',
    knows: 'which variant of each kernel runs on a certain GPU',
    mayImport: ['kernels', 'gpu', 'model', ...LEAVES],
  },
  {
    name: 'engine/tune',
    knows: 'which variants are faster on this GPU, and what each step costs',
    mayImport: ['engine/run', 'engine/choose', 'kernels', 'gpu', 'model', ...LEAVES],
  },
  {
    name: 'engine/check',
    knows: 'whether this GPU computes right',
    mayImport: [
      ...[
        'engine/run',
        'engine/choose',
        'backend.ts',
        'cpu',
        'reference',
        'kernels',
        'gpu',
        'image',
        'model',
        'weights',
        'version.ts',
      ],
      ...LEAVES,
    ],
  },
  {
    name: 'engine/pixels',
    knows: 'resize, crop and normalise on the GPU',
    mayImport: ['image', 'kernels', 'gpu', 'model', ...LEAVES],
  },
  {
    name: 'backend.ts',
    knows: 'what the engine asks of whatever computes: types, no code',
    mayImport: ['image', 'model', 'weights', 'interface.ts'],
  },
  {
    name: 'cpu',
    knows: 'the model on the CPU',
    mayImport: ['backend.ts', 'reference', 'image', 'weights', 'model', ...LEAVES],
  },
  { name: 'weights', knows: 'manifest, shards, download, cache', mayImport: ['model', ...LEAVES] },
  {
    name: 'image',
    knows: 'decoding, geometry, filter coefficients, resize and normalise on the CPU',
    mayImport: ['model', 'error.ts'],
  },
  {
    name: 'kernels',
    knows: 'one file per shader: constants, bindings, grid, packing, and its variants with what each needs',
    mayImport: ['gpu', 'shaders', 'error.ts'],
  },
  { name: 'gpu', knows: 'device, adapter, pipelines, buffers; no ViT', mayImport: LEAVES },
  { name: 'model', knows: 'what a ViT is: architecture, tensors, plan. Pure data, no GPU', mayImport: ['error.ts'] },
  {
    name: 'reference',
    knows: 'the same network in float64 TypeScript: the oracle of all tests, and the last resort',
    mayImport: ['model', 'image', 'error.ts'],
  },
  {
    name: 'text',
    knows: 'words: tokenizers, prompts, label files',
    mayImport: ['model', 'weights', 'error.ts'],
  },
  {
    name: 'convert',
    knows: 'checkpoints to manifest and shards; runs in browsers and in Node',
    mayImport: ['model', 'weights', 'reference', 'text', 'error.ts'],
  },
  {
    name: 'hub',
    knows: "the Hugging Face Hub's protocol, one verb per file, for browsers and Node",
    mayImport: ['weights', 'error.ts'],
  },
  {
    name: 'checkpoint',
    knows: 'a checkpoint as a source of a model: from the Hub or dropped on a page, converted where it runs, and kept',
    mayImport: ['convert', 'hub', 'weights', 'model', 'version.ts', ...LEAVES],
  },
  {
    name: 'bulk',
    knows: 'many pictures: a list of them, computed in parts, each a Parquet file',
    mayImport: ['node', 'index.ts', 'model', 'error.ts'],
  },
  {
    name: 'cli',
    knows: 'the command line',
    mayImport: [
      ...[
        'bulk',
        'search',
        'client',
        'convert',
        'hub',
        'index.ts',
        'notation.ts',
        'node',
        'model',
        'weights',
        'text',
        'image',
        'error.ts',
      ],
    ],
  },
];

/** In Markdown, for CONTRIBUTING. */
export function houseTable(): string {
  const code = (name: string) => `\`${name}\``;
  const rows = HOUSE.map(({ name, knows, mayImport }) =>
    [code(`src/${name}`), knows, mayImport.map(code).join(', ') || '–'].join(' | '),
  );
  return ['| room | what it knows | may import |', '|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n');
}
