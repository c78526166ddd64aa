/**
 * The first stage of a conversion: what a checkpoint holds, and what its config says of it. Everything after decides from
 * these facts; no tensor has been read yet.
 */
import { ViTError } from '../error.ts';
import type { Answers } from './answers.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ConfigFacts } from './configs/config-facts.ts';
import { checkClaims } from './configs/known-keys.ts';
import { readConfig } from './configs/read-config.ts';
import { type Decisions, question } from './decisions.ts';
import type { Family, Part } from './families/family.ts';
import { familyOf, forPatches } from './families/index.ts';
import type { Recipe } from './families/map-tensors.ts';
import { modelTensors } from './model-tensors.ts';
import { unwrap } from './prefix.ts';
import type { Dimensions } from './tensor-dimensions.ts';
import { unscan } from './unscan.ts';

export interface Facts {
  answers: Answers;
  /** With the prefix of its names stripped. */
  checkpoint: Checkpoint;
  family: Family;
  /** How each canonical tensor is made. */
  recipes: Map<string, Recipe>;
  dimensions: Dimensions;
  config?: ConfigFacts;
  /** Whether the size of a patch is known: some files hold patches as vectors. */
  knowsPatches: boolean;
}

/**
 * @throws ViTError `unsupported-model` for models this version cannot run, naming the tensors or the config's key;
 *   `bad-input` for broken checkpoints, and for a config that is another model's.
 */
export function readFacts(whole: Checkpoint, answers: Answers, decisions: Decisions): Facts {
  const { layout = 'auto' } = answers;
  const config = configOf(answers, decisions);
  const modelClass = answers.modelClass ?? config?.modelClass;

  refuseAdapter(whole);
  const { checkpoint: unwrapped, prefix, why } = unwrap(whole, answers);
  if (prefix) decisions.note('prefix', prefix, why);
  const named = familyOf(unwrapped.tensors.keys(), { layout, within: prefix, modelClass });
  const found = (layout === 'auto' && named.byShape?.(unwrapped.tensors)) || named;
  decisions.note('layout', found.title, layout === 'auto' ? whyFamily(found, modelClass) : 'given');
  if (!config && found.needsConfig) decisions.ask(found.needsConfig);

  const checkpoint = unscan(unwrapped, found);
  const patchSize = answers.patchSize ?? config?.patchSize?.value;
  const family = forPatches(found, patchSize);
  const knowsPatches = !family.patchRules || patchSize !== undefined;
  if (!knowsPatches) decisions.ask({ name: 'patchSize', why: 'The size of a patch is in no tensor.' });
  const { recipes, dimensions, ignored } = modelTensors(checkpoint, family, {
    ignore: answers.ignore,
    lacksNorm: config?.finalNorm === 'none',
  });
  for (const { name, why } of ignored) decisions.note('left out', name, why);

  if (modelClass) checkParts(modelClass, family, dimensions);
  if (config) checkClaims(config.claims, dimensions);
  return { answers, checkpoint, family, recipes, dimensions, config, knowsPatches };
}

/** What PEFT calls the tensors of an adapter. */
const ADAPTER =
  /(^|\.)(lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector|hada_w\d_[ab]|lokr_w\d|ia3_l|boft_[RS])(\.|$)/;

/** Its tensors are the differences from another model. */
function refuseAdapter({ tensors }: Checkpoint): void {
  const name = [...tensors.keys()].find((name) => ADAPTER.test(name));
  if (name === undefined) return;
  throw new ViTError(
    'unsupported-model',
    `This is a PEFT adapter (${name}): what it changes in another model, not a model. In Python: ` +
      "model.merge_and_unload().save_pretrained('merged'), then convert that folder.",
  );
}

function whyFamily({ within, models = {} }: Family, modelClass: string | undefined): string {
  if (modelClass !== undefined && Object.hasOwn(models, modelClass)) return `architectures ${modelClass}`;
  return within ? 'what stood before the names of the tensors' : 'names of the tensors';
}

/** A key that is not understood may change what the model computes. */
function configOf({ config, architecture, ignoreKeys = [] }: Answers, decisions: Decisions): ConfigFacts | undefined {
  const named = architecture === undefined ? undefined : { architecture };
  if (config === undefined && !named) return undefined;
  const facts = readConfig(config ?? named);
  const strange = ignoreKeys.filter((key) => !facts.unknown.some((unknown) => unknown.key === key));
  if (strange.length > 0) {
    throw new ViTError('bad-input', `To be ignored, but no unknown keys of the config: ${strange.join(', ')}.`);
  }
  for (const { key, claim } of facts.unknown) {
    if (ignoreKeys.includes(key)) decisions.note('left out', key, 'given');
    else {
      decisions.ask({
        name: 'ignoreKeys',
        why: `${claim}, which this version does not know. It can be left out if the model gives the same results without it.`,
        choices: [key],
      });
    }
  }
  return facts;
}

const PARTS: Record<Part, [title: string, has: (dimensions: Dimensions) => boolean]> = {
  head: ['a classifier', ({ classes }) => classes > 0],
  teacher: ['a classifier of the distillation token', ({ pooling }) => pooling === 'class-and-distillation'],
  projection: ['a projection', ({ projection }) => projection > 0],
  text: ['a text tower', ({ text }) => text !== null],
};

/** What the class has and what the file holds must be one. */
function checkParts(modelClass: string, { models = {} }: Family, dimensions: Dimensions): void {
  if (!Object.hasOwn(models, modelClass)) return;
  for (const [part, [title, has]] of Object.entries(PARTS)) {
    const expected = models[modelClass].includes(part as Part);
    if (has(dimensions) === expected) continue;
    const [one, other] = expected ? [`a ${modelClass}`, 'the checkpoint'] : ['the checkpoint', `a ${modelClass}`];
    const fitting = Object.keys(models).filter((name) =>
      Object.entries(PARTS).every(([part, [, has]]) => has(dimensions) === models[name].includes(part as Part)),
    );
    const why = `By its config ${one} has ${title}, and ${other} has none. Is it the config of this checkpoint?`;
    throw question('modelClass', why, fitting);
  }
}
