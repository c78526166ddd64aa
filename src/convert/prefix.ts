/**
 * Finds the model within a checkpoint: what saves models often puts something around their names (`module.`,
 * `state_dict.model.`, `teacher.backbone.`) and other things beside them (an optimizer, a second copy). Knows names
 * only; which names are a model's, the families decide.
 */
import { ViTError } from '../error.ts';
import type { Checkpoint } from './checkpoint.ts';
import { question } from './decisions.ts';
import { FAMILIES } from './families/index.ts';
import { prefixOf } from './families/map-tensors.ts';

export interface Unwrapped {
  /** With the names that a family knows. */
  checkpoint: Checkpoint;
  /** What was stripped; `''` for nothing. */
  prefix: string;
  /** Why this prefix, and what is not below it: for people. */
  why: string;
}

/** What trainers call the dict of the model's tensors: what lies beside it is none of the model's. */
const CONTAINER = /^((model_)?state_dict|model_state|ema_state_dict)\./;

/** What training leaves beside a model: the first part of a name. */
const LEFT_BY_TRAINING =
  /^(opt|optim|extra|chrono|.*optimizer.*|.*scheduler.*|scaler|fp16_scaler|amp|callbacks|loops|best_.*|loss|loss_.*|.*_loss|.*criterion|metrics?|.*_metrics?|.*_acc(uracy)?|n_averaged|ema|.*_ema|ema_.*|student|teacher)$/;

/** What torchmetrics counts: the last part of a name. */
const COUNTED = /\.(tp|fp|tn|fn|confmat|correct|total|preds|target|measures|sum_squared_error)$/;

/** A copy that libraries evaluate rather than the one that is trained: the teacher of DINO, averaged weights. */
const PREFERRED = [/(^|[./_])teacher([./_]|$)/, /(^|[./_])ema([./_]|$)/];

/** Names beyond these are not looked into: no model that can be run has so many tensors. */
const MOST_NAMES = 50_000;
const MOST_CANDIDATES = 500;

/**
 * @param options.prefix takes this prefix, whatever else is there
 * @param options.layout of `LAYOUTS`, or `auto`
 * @throws ViTError `bad-input` when there is none under the given prefix; `unsupported-model` when several models are there
 *   and none is preferred, and when there is a model and something else, which training does not leave there.
 */
export function unwrap(
  checkpoint: Checkpoint,
  { prefix, layout = 'auto' }: { prefix?: string; layout?: string },
): Unwrapped {
  const names = [...checkpoint.tensors.keys()];
  if (prefix !== undefined) {
    if (names.some((name) => name.startsWith(prefix))) return strip(checkpoint, prefix, 'given');
    throw new ViTError('bad-input', `No tensor's name begins with ${prefix}. There are ${groupsOf(names)}.`);
  }
  const fits = (list: string[]) =>
    FAMILIES.some((family) => (layout === 'auto' || family.layout === layout) && prefixOf(family, list) !== undefined);
  if (names.length > MOST_NAMES || fits(names)) return { checkpoint, prefix: '', why: '' };

  const found: string[] = [];
  for (const candidate of prefixesOf(names)) {
    // Below a prefix that was found, shorter than this one, is the same model with more of its names.
    if (!found.some((shorter) => candidate.startsWith(shorter)) && fits(below(names, candidate))) found.push(candidate);
  }
  if (found.length === 0) return { checkpoint, prefix: '', why: '' };
  const chosen = choose(found);
  refuseStrangers(names, chosen, found);
  const others = found.filter((other) => other !== chosen);
  const why =
    others.length > 0
      ? `names of the tensors; the other model has the prefix ${others.join(' or ')}`
      : 'names of the tensors';
  return strip(checkpoint, chosen, why);
}

function choose(found: string[]): string {
  if (found.length === 1) return found[0];
  for (const pattern of PREFERRED) {
    const preferred = found.filter((prefix) => pattern.test(prefix));
    if (preferred.length === 1) return preferred[0];
  }
  throw question('prefix', `The checkpoint holds ${found.length} models: below ${found.join(' and ')}.`, found);
}

/** What is beside the model may change what it computes. */
function refuseStrangers(names: string[], prefix: string, found: string[]): void {
  const [container = ''] = CONTAINER.exec(prefix) ?? [];
  const strangers = names.filter((name) => {
    if (found.some((known) => name.startsWith(known)) || !name.startsWith(container)) return false;
    const rest = name.slice(container.length);
    return !LEFT_BY_TRAINING.test(rest.split(/[./]/, 1)[0]) && !COUNTED.test(rest);
  });
  if (strangers.length === 0) return;
  throw question(
    'prefix',
    `Below ${prefix} there is a model, but beside it there are ${groupsOf(strangers)}. They can be left out if they are ` +
      'not wanted: a classifier would be lost, and the features remain.',
    [prefix],
  );
}

function strip(checkpoint: Checkpoint, prefix: string, why: string): Unwrapped {
  const names = [...checkpoint.tensors.keys()];
  const dropped = names.filter((name) => !name.startsWith(prefix));
  const kept = [...checkpoint.tensors].filter(([name]) => name.startsWith(prefix));
  return {
    checkpoint: {
      format: checkpoint.format,
      tensors: new Map(kept.map(([name, tensor]) => [name.slice(prefix.length), tensor])),
      read: (name) => checkpoint.read(prefix + name),
      ...(checkpoint.readPart && {
        readPart: (name: string, first: number, count: number) => checkpoint.readPart!(prefix + name, first, count),
      }),
    },
    prefix,
    why: dropped.length > 0 ? `${why}; left out: ${groupsOf(dropped)}` : why,
  };
}

function below(names: string[], prefix: string): string[] {
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}

/** Every prefix of several names that ends in a separator, shortest first. Numbers are those of blocks, not of models. */
function prefixesOf(names: string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    for (const { index } of name.matchAll(/[./]/g)) {
      const prefix = name.slice(0, index + 1);
      if (/(^|[./])\d+[./]$/.test(prefix)) break;
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  const shared = [...counts].filter(([, count]) => count > 1).map(([prefix]) => prefix);
  return shared.sort((a, b) => a.length - b.length).slice(0, MOST_CANDIDATES);
}

/** `12 of optimizer, 3 of student`: the tensors by the first part of their names. */
function groupsOf(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const [first] = name.split(/[./]/, 1);
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const shown = [...counts].slice(0, 6).map(([first, count]) => `${count} of ${first}`);
  return `${shown.join(', ')}${counts.size > 6 ? ', …' : ''}`;
}
