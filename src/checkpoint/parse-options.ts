/**
 * What a page may say of a checkpoint and of the Hub, looked at before anything is asked of anyone.
 */
import { type Conversion, TOKEN_POOLINGS } from '../convert/answers.ts';
import { LAYOUTS } from '../convert/families/index.ts';
import { TORCHVISION_PRESETS } from '../convert/preprocess/torchvision-presets.ts';
import { ViTError } from '../error.ts';
import { parseEndpoint } from '../hub/parse-endpoint.ts';
import { HUB_URL, type HubOptions } from '../hub/repository.ts';
import type { HubAccess } from '../interface.ts';
import { ACTIVATIONS } from '../model/layers.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { Field } from '../weights/field.ts';
import { DTYPES } from '../weights/manifest.ts';
import { parseCalibration } from '../weights/parse-calibration.ts';
import { parsePreprocess } from '../weights/parse-preprocess.ts';

type Readers<T> = { readonly [K in keyof Required<T>]: (field: Field) => T[K] };

const text = (field: Field) => field.string();
const texts = (field: Field) => field.list(text);
const count = (field: Field) => field.integer(1);
const number = (field: Field) => field.number();
const flag = (field: Field) => field.boolean();
const object = (field: Field) => field.record();
const pair = (field: Field) => field.pair();

const CONVERSION: Readers<Conversion> = {
  name: text,
  file: text,
  dtype: (field) => field.oneOf(DTYPES),
  template: text,
  layout: (field) => field.oneOf(['auto', ...LAYOUTS]),
  prefix: text,
  ignore: texts,
  text: flag,
  config: object,
  modelClass: text,
  architecture: text,
  ignoreKeys: texts,
  heads: count,
  textHeads: count,
  epsilon: number,
  activation: (field) => field.oneOf(ACTIVATIONS),
  imageSize: pair,
  patchSize: pair,
  pooling: (field) => field.oneOf(TOKEN_POOLINGS),
  normFirst: flag,
  qkScale: number,
  preprocessor: object,
  preset: (field) => field.oneOf(TORCHVISION_PRESETS),
  preprocess: partsOfPreprocess,
  labels: texts,
  calibration: parseCalibration,
};

const HUB: Readers<HubAccess> = {
  endpoint: text,
  token: text,
  fetch(field) {
    if (typeof field.value !== 'function') field.fail('must be a function');
    return field.value as typeof globalThis.fetch;
  },
};

/** @throws ViTError `bad-input` naming the option */
export function checkConversion(given: unknown): Conversion {
  return check('convert', given, CONVERSION);
}

/** @throws ViTError `bad-input` naming the option */
export function checkHub(given: unknown): Omit<HubOptions, 'repo' | 'revision'> {
  const { endpoint = HUB_URL, ...others } = check('hub', given, HUB);
  return { ...others, endpoint: parseEndpoint(endpoint), tokenIn: 'hub.token' };
}

function check<T extends object>(option: string, given: unknown, readers: Readers<T>): Partial<T> {
  const field = new Field(given ?? {}, 'loadViT()', option, 'bad-input');
  const read: Partial<T> = {};
  for (const name of Object.keys(field.record()) as (keyof T & string)[]) {
    if (!Object.hasOwn(readers, name)) {
      throw new ViTError(
        'bad-input',
        `loadViT(): ${option} has no ${name}; there are ${Object.keys(readers).join(', ')}.`,
      );
    }
    if (field.get(name).value !== undefined) read[name] = readers[name](field.get(name));
  }
  return read;
}

/** Any of them; what is not given is found out. */
function partsOfPreprocess(field: Field): Partial<Preprocess> {
  const given = field.record();
  const all = { resize: null, filter: 'bilinear', crop: null, mean: [], std: [], ...given };
  const parsed = parsePreprocess(new Field(all, 'loadViT()', 'convert.preprocess', 'bad-input'));
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(parsed, name));
  if (unknown !== undefined) field.fail(`has no ${unknown}`);
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => name in given));
}
