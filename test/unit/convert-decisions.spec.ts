import { describe, expect, test } from 'vitest';
import type { Answers } from '../../src/convert/answers.ts';
import { type ConvertOptions, convertCheckpoint } from '../../src/convert/convert.ts';
import { Decisions, type Finding } from '../../src/convert/decisions.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import type { ViTError } from '../../src/error.ts';
import { addTensors, convertInMemory, ENOUGH, fixtureJson, openFixture } from '../harness/checkpoints.ts';

const HF_CONFIG = fixtureJson('hf-vit/config.json');

async function architectureOf(family: string, options: Partial<ConvertOptions>) {
  return (await convertInMemory(await openFixture(family), options)).manifest.architecture;
}

async function refusal(family: string, options: Partial<ConvertOptions>): Promise<ViTError> {
  try {
    await convertInMemory(await openFixture(family), options);
  } catch (error) {
    return error as ViTError;
  }
  throw new Error('It was converted.');
}

describe('what no tensor shows', () => {
  test('is asked for all at once, as data', async () => {
    const { code, message, questions } = await refusal('hf-vit', { heads: undefined, preprocess: undefined });
    expect(code).toBe('unsupported-model');
    const parts = ['resize', 'crop', 'filter', 'mean', 'std'].map((part) => `preprocess.${part}`);
    expect(questions!.map(({ name }) => name)).toEqual(['heads', 'epsilon', 'activation', ...parts]);
    for (const { why } of questions!) expect(message).toContain(why);
    expect(questions!.find(({ name }) => name === 'preprocess.resize')!.choices).toContain('squash:32x32');
  });

  test('timm: its name of the model says it, and epsilon and activation are then the convention, and said to be', async () => {
    const findings: Finding[] = [];
    const onFindings = (list: Finding[]) => findings.push(...list);
    const options = { architecture: 'vit_tiny_patch8_32', onFindings };
    expect(await architectureOf('timm-vit', options)).toMatchObject({ epsilon: 1e-6, activation: 'gelu' });
    const why = 'the convention of a timm ViT';
    expect(findings).toContainEqual({ what: 'epsilon', value: '1e-6', why });
    expect(findings).toContainEqual({ what: 'activation', value: 'gelu', why });
    expect(findings).toContainEqual({ what: 'heads', value: '3', why: 'given' });
  });

  test('timm without a config or a name: everything that has no tensor is asked for, and one answer leaves the others', async () => {
    const options = (answers: Answers) => ({ ...ENOUGH, heads: undefined, ...answers });
    const asked = async (answers: Answers) => {
      const checkpoint = await openFixture('timm-vit');
      const error = await convertCheckpoint(checkpoint, new MemorySink(), options(answers)).catch((error) => error);
      expect(error).toMatchObject({ code: 'unsupported-model' });
      return (error as ViTError).questions!;
    };
    const all = ['epsilon', 'activation', 'normFirst', 'pooling'];
    const names = (await asked({})).map(({ name }) => name);
    expect(names.sort()).toEqual(['heads', ...all].sort());
    const answers = { epsilon: 1e-6, activation: 'gelu', normFirst: true, pooling: 'class' } as const;
    for (const name of all) {
      const rest = { ...answers, heads: 3, [name]: undefined };
      expect((await asked(rest)).map(({ name }) => name)).toEqual([name]);
    }
    const [{ choices }] = await asked({ ...answers, heads: 3, pooling: undefined });
    expect(choices).toEqual(['class', 'patches', 'all']);
  });

  test('timm: what is answered is what is computed', async () => {
    expect(await architectureOf('timm-vit', { pooling: 'patches' })).toMatchObject({ pooling: 'patches' });
    expect(await architectureOf('timm-vit', {})).not.toHaveProperty('pooling');
  });

  test('flags take precedence over config.json', async () => {
    const flags = { heads: 6, epsilon: 1e-5, activation: 'relu' as const };
    expect(await architectureOf('hf-vit', { config: HF_CONFIG, ...flags })).toMatchObject(flags);
  });

  test('heads must divide the width', async () => {
    expect((await refusal('timm-vit', { heads: 5 })).message).toContain('5 heads do not divide the width 48');
  });

  test('epsilon must be above 0', async () => {
    expect((await refusal('timm-vit', { epsilon: 0 })).message).toContain('epsilon must be above 0');
  });

  test('norms after attention and MLP, and other scales of Q K, are taken from flags', async () => {
    expect(await architectureOf('timm-vit', { normFirst: false })).toMatchObject({ normOrder: 'last' });
    expect(await architectureOf('timm-vit', { qkScale: 0.2 })).toMatchObject({ attentionScale: 0.2 });
    // What is usual is left out: heads of 16 features.
    const usual = await architectureOf('timm-vit', { normFirst: true, qkScale: 0.25 });
    expect(usual).toEqual(await architectureOf('timm-vit', {}));
    expect(await refusal('timm-vit', { qkScale: -1 })).toMatchObject({ code: 'bad-input' });
  });

  test('an nn.TransformerEncoder: the order of norms is asked for too, and no default is guessed', async () => {
    const options = { imageSize: [28, 28] as [number, number], preprocess: undefined, heads: undefined };
    const { questions } = await refusal('torch-encoder-28x28-gray', options);
    const names = questions!.map(({ name }) => name);
    for (const name of ['heads', 'epsilon', 'activation', 'normFirst', 'pooling']) expect(names).toContain(name);
  });
});

describe("transformers' config.json", () => {
  test('gives heads, epsilon, activation and labels', async () => {
    const config = { ...HF_CONFIG, num_attention_heads: 4, layer_norm_eps: 1e-5, hidden_act: 'gelu_new' };
    const { manifest } = await convertInMemory(await openFixture('hf-vit'), { heads: undefined, config });
    expect(manifest.architecture).toMatchObject({ heads: 4, epsilon: 1e-5, activation: 'gelu_tanh' });
    expect(manifest.labels).toEqual(Array.from({ length: 7 }, (_, i) => `LABEL_${i}`));
    expect(manifest.problemType).toBe('single-label');
  });

  test("what it leaves out is the default of its model's config, and said to be", async () => {
    const findings: Finding[] = [];
    const config = { model_type: 'vit', num_attention_heads: 3, image_size: 32 };
    const onFindings = (list: Finding[]) => findings.push(...list);
    expect(await architectureOf('hf-vit', { config, onFindings })).toMatchObject({
      epsilon: 1e-12,
      activation: 'gelu',
    });
    expect(findings.find(({ what }) => what === 'epsilon')?.why).toContain("ViTConfig's default");
    expect(await architectureOf('hf-vit', { config: { ...config, model_type: 'vit_msn' } })).toMatchObject({
      epsilon: 1e-6,
    });
    const { message } = await refusal('hf-vit', { config: { ...config, model_type: 'vit_unheard_of' } });
    expect(message).toContain('model_type vit_unheard_of');
  });

  test('of another model is refused', async () => {
    for (const [key, value, actual] of [
      ['hidden_size', 768, 48],
      ['num_hidden_layers', 12, 2],
      ['intermediate_size', 3072, 192],
    ] as const) {
      const { message } = await refusal('hf-vit', { config: { ...HF_CONFIG, [key]: value } });
      expect(message).toContain(`config.json has ${key} ${value}, but the tensors have ${actual}`);
    }
    const { message } = await refusal('hf-vit', { config: { ...HF_CONFIG, image_size: 224 } });
    expect(message).toContain('224x224 pixels (config.json, image_size) are 784 patches of 8x8');
  });

  test('with an activation or a problem that cannot be run is refused', async () => {
    const { code, message } = await refusal('hf-vit', { config: { ...HF_CONFIG, hidden_act: 'silu' } });
    expect([code, message]).toEqual(['unsupported-model', expect.stringContaining('hidden_act silu')]);
    const ranking = await refusal('hf-vit', { config: { ...HF_CONFIG, problem_type: 'ranking' } });
    expect(ranking.message).toContain('problem_type ranking');
  });

  test('of several labels per picture makes a multi-label model', async () => {
    const config = { ...HF_CONFIG, problem_type: 'multi_label_classification' };
    const { manifest } = await convertInMemory(await openFixture('hf-vit'), { config });
    expect(manifest.problemType).toBe('multi-label');
  });

  test('with a value of a wrong type is refused by file and key', async () => {
    const { message } = await refusal('hf-vit', { config: { ...HF_CONFIG, num_attention_heads: '3' } });
    expect(message).toContain('config.json: num_attention_heads must be a whole number above 0, not "3"');
  });

  test('of neither library is refused', async () => {
    expect((await refusal('hf-vit', { config: { model: 'vit' } })).message).toContain('neither');
    expect((await refusal('hf-vit', { config: [1] })).message).toContain('config.json is not a JSON object');
  });
});

describe("timm's config.json", () => {
  const base = { architecture: 'vit_tiny_patch16_224', num_classes: 7, num_features: 48, global_pool: 'token' };

  test('gives heads, activation and image size by model_args', async () => {
    const config = { ...base, model_args: { num_heads: 4, act_layer: 'quick_gelu', img_size: [16, 64] } };
    const preprocess = { ...ENOUGH.preprocess, resize: { mode: 'squash' as const, height: 16, width: 64 } };
    expect(await architectureOf('timm-vit', { heads: undefined, config, preprocess })).toMatchObject({
      heads: 4,
      activation: 'quick_gelu',
      imageSize: [16, 64],
    });
  });

  test('a size in the name gives the heads only together with the width of that size', async () => {
    const config = { ...base, architecture: 'vit_tiny_patch16_224' };
    const { questions } = await refusal('timm-vit', { heads: undefined, config });
    expect(questions).toEqual([{ name: 'heads', why: expect.stringContaining('in no tensor') }]);
  });

  test('gives how tokens are pooled, which no tensor may show', async () => {
    expect(await architectureOf('timm-vit', { config: { ...base, global_pool: 'avg' } })).toMatchObject({
      pooling: 'patches',
    });
    expect(await architectureOf('timm-vit', { config: { ...base, global_pool: 'avgmax' } })).toMatchObject({
      pooling: 'patches-and-largest',
    });
    expect(await refusal('timm-vit', { config: { ...base, global_pool: 'max' } })).toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('global_pool max'),
    });
  });

  test('with another norm or activation is refused', async () => {
    const norm = await refusal('timm-vit', { config: { ...base, model_args: { norm_layer: 'rmsnorm' } } });
    expect(norm.message).toContain('norm_layer rmsnorm');
    const activation = await refusal('timm-vit', { config: { ...base, model_args: { act_layer: 'silu' } } });
    expect(activation.message).toContain('act_layer silu');
  });

  test('of another number of classes is refused', async () => {
    const { message } = await refusal('timm-vit', { config: { ...base, num_classes: 1000 } });
    expect(message).toContain('num_classes 1000, but the tensors have 7');
  });

  test('shows descriptions for label names', async () => {
    const label_names = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
    const config = { ...base, label_names, label_descriptions: { n0: 'tench', n6: 'eel' } };
    const { manifest } = await convertInMemory(await openFixture('timm-vit'), { config });
    expect(manifest.labels).toEqual(['tench', 'n1', 'n2', 'n3', 'n4', 'n5', 'eel']);
  });
});

test('numbers are said as people write them', () => {
  const decisions = new Decisions();
  for (const value of [0, 1e-6, 0.5]) decisions.note('number', value, '');
  expect(decisions.findings.map(({ value }) => value)).toEqual(['0', '1e-6', '0.5']);
});

describe('the image size', () => {
  test('is taken for a square, and said to be', async () => {
    const findings: Finding[] = [];
    await convertInMemory(await openFixture('timm-vit'), { onFindings: (list) => findings.push(...list) });
    expect(findings).toContainEqual({
      what: 'image size',
      value: '32x32',
      why: '16 positions, taken for a square of 4x4 patches',
    });
  });

  test('is asked for when the patches are no square', async () => {
    const checkpoint = addTensors(await openFixture('timm-vit'), { pos_embed: [1, 1 + 12, 48] });
    await expect(convertInMemory(checkpoint)).rejects.toThrow(/12 patches, which are no square: height and width/);
    const preprocess = { ...ENOUGH.preprocess, resize: { mode: 'squash' as const, height: 24, width: 32 } };
    const { manifest } = await convertInMemory(checkpoint, { imageSize: [24, 32], preprocess });
    expect(manifest.architecture.imageSize).toEqual([24, 32]);
  });

  test('that needs other positions is refused', async () => {
    expect(await refusal('timm-vit', { imageSize: [64, 64] })).toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('64x64 pixels (given) are 64 patches'),
    });
    expect(await refusal('timm-vit', { imageSize: [31, 33] })).toMatchObject({ code: 'bad-input' });
  });
});

describe('labels', () => {
  const seven = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

  test('given ones take precedence over config.json', async () => {
    const options = { config: HF_CONFIG, labels: seven };
    expect((await convertInMemory(await openFixture('hf-vit'), options)).manifest.labels).toEqual(seven);
  });

  test('must be as many as the classes', async () => {
    const { message } = await refusal('timm-vit', { labels: seven.slice(1) });
    expect(message).toContain('labels (given): 6 for a model of 7 classes');
    const config = { ...HF_CONFIG, id2label: { 0: 'a', 1: 'b' } };
    expect((await refusal('hf-vit', { config })).message).toContain('labels (config.json, id2label): 2 for');
  });

  test('are numbers where nothing names them, and this is reported', async () => {
    const findings: Finding[] = [];
    const onFindings = (list: Finding[]) => findings.push(...list);
    const { manifest } = await convertInMemory(await openFixture('timm-vit'), { onFindings });
    expect(manifest.labels[6]).toBe('class 6');
    expect(findings.find(({ what }) => what === 'labels')?.why).toContain('none given');
  });

  test('of config.json are ordered by their numbers, which must have no gaps', async () => {
    const id2label = Object.fromEntries(seven.map((label, i) => [6 - i, label]));
    const config = { ...HF_CONFIG, id2label };
    const { manifest } = await convertInMemory(await openFixture('hf-vit'), { config });
    expect(manifest.labels).toEqual([...seven].reverse());
    const gap = { ...HF_CONFIG, id2label: { 0: 'a', 2: 'c' } };
    expect((await refusal('hf-vit', { config: gap })).message).toContain('numbered from 0 on');
  });
});
