/**
 * Carries out a family's table: from the names of a checkpoint to the recipes of the canonical tensors. Reads no data.
 */
import { ViTError } from '../../error.ts';
import { elementCount, type StoredTensor } from '../checkpoint.ts';
import type { Family, Rule, Transform } from './family.ts';

/** How a canonical tensor is made. */
export interface Recipe {
  /** Names in the checkpoint, in the order of the transform's inputs. */
  from: string[];
  shape: number[];
  transform: Transform;
  /** Where the shapes show it. */
  heads?: number;
  /** [channels, height, width] of a patch, where the shapes show it. */
  patch?: [number, number, number];
}

/** Every tensor of the checkpoint is part of recipes, or in exactly one of the lists. */
export interface Mapping {
  /** By canonical name. */
  recipes: Map<string, Recipe>;
  unsupported: { name: string; feature: string }[];
  ignored: { name: string; why: string }[];
  unused: string[];
  /** Canonical names of which only some inputs are there, with the names of those that are not. */
  incomplete: Map<string, string[]>;
}

/** @returns the prefix under which the names have the family's signature; `undefined` when they do not. */
export function prefixOf(family: Family, names: readonly string[]): string | undefined {
  const { prefixes, signature, lacks = [] } = family;
  return prefixes.find((prefix) => {
    const has = (pattern: string) => names.some((name) => matchPattern(pattern, strip(prefix, name)));
    return signature.every((patterns) => patterns.split('|').some(has)) && !lacks.some(has);
  });
}

/** @throws ViTError `bad-input` when two tensors claim the same place, or when inputs do not fit together. */
export function mapTensors(family: Family, tensors: ReadonlyMap<string, StoredTensor>): Mapping {
  const prefix = prefixOf(family, [...tensors.keys()]) ?? '';
  const mapping: Mapping = {
    recipes: new Map(),
    unsupported: [],
    ignored: [],
    unused: [],
    incomplete: new Map(),
  };
  /** Canonical name -> its rule and the inputs seen so far. */
  const places = new Map<string, { rule: Rule; match: Match; inputs: (string | undefined)[] }>();

  for (const [name, { shape }] of tensors) {
    const bare = strip(prefix, name);
    const feature = lookUp(family.unsupported, bare);
    const why = whyIgnored(family, bare, tensors);
    const matches = findPlaces(family.rules, bare);
    // One of many that are ignored may be the one that is used.
    const isNamed = matches.some(({ rule, index }) => rule.from[index] === bare);
    if (feature) mapping.unsupported.push({ name, feature });
    else if (elementCount(shape) === 0) mapping.ignored.push({ name, why: 'it is empty' });
    else if (why && !isNamed) mapping.ignored.push({ name, why });
    else if (matches.length === 0) mapping.unused.push(name);
    else
      for (const { rule, match, index } of matches) {
        const canonical = fillPattern(rule.to, match);
        const taken = places.get(canonical);
        const inputs = taken?.inputs ?? new Array<string | undefined>(rule.from.length).fill(undefined);
        if (taken && (taken.rule !== rule || inputs[index] !== undefined)) {
          const other = inputs[index] ?? inputs.find((input) => input !== undefined);
          throw new ViTError('bad-input', `${other} and ${name} are both ${canonical}; only one may be there.`);
        }
        inputs[index] = name;
        places.set(canonical, { rule, match, inputs });
      }
  }

  for (const [canonical, { rule, match, inputs }] of places) {
    const from = inputs.filter((name) => name !== undefined);
    if (from.length < inputs.length) {
      const absent = rule.from.filter((_, i) => inputs[i] === undefined);
      mapping.incomplete.set(
        canonical,
        absent.map((pattern) => prefix + fillPattern(pattern, match)),
      );
    } else {
      mapping.recipes.set(canonical, recipe(from, rule.transform, tensors));
    }
  }
  addImplied(family, prefix, tensors, mapping);
  return mapping;
}

function addImplied(
  { implied = [] }: Family,
  prefix: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  mapping: Mapping,
): void {
  for (const group of implied) addGroup(group, prefix, tensors, mapping);
}

function addGroup(
  rules: Rule[],
  prefix: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  { recipes, incomplete }: Mapping,
): void {
  const places = rules.flatMap((rule) =>
    [...tensors.keys()].flatMap((name) => {
      const match = matchPattern(rule.from[0], strip(prefix, name));
      if (!match) return [];
      const before = name.slice(0, name.length - strip(prefix, name).length);
      const from = rule.from.map((pattern) => before + fillPattern(pattern, match));
      return from.every((input) => tensors.has(input)) ? [{ canonical: fillPattern(rule.to, match), from, rule }] : [];
    }),
  );
  if (places.some(({ canonical }) => recipes.has(canonical) || incomplete.has(canonical))) return;
  for (const { canonical, from, rule } of places) recipes.set(canonical, recipe(from, rule.transform, tensors));
}

function recipe(from: string[], transform: Transform, tensors: ReadonlyMap<string, StoredTensor>): Recipe {
  const shapes = from.map((name) => tensors.get(name)!.shape);
  try {
    return {
      from,
      shape: transform.shape(shapes),
      transform,
      heads: transform.heads?.(shapes),
      patch: transform.patch?.(shapes),
    };
  } catch (error) {
    // A transform knows shapes only.
    if (error instanceof ViTError) throw new ViTError(error.code, `${from.join(', ')}: ${error.message}`);
    throw error;
  }
}

/** The names a checkpoint of this family has for a canonical tensor, without prefix: for messages. */
export function namesFor(family: Family, canonical: string): string[] {
  for (const rule of family.rules) {
    const match = matchPattern(rule.to, canonical);
    if (match) return rule.from.map((pattern) => fillPattern(pattern, match));
  }
  return [canonical];
}

export interface Match {
  block: string;
  rest: string;
}

export function matchPattern(pattern: string, name: string): Match | undefined {
  const groups = compile(pattern).exec(name)?.groups;
  return groups && { block: groups.block ?? '', rest: groups.rest ?? '' };
}

const compiled = new Map<string, RegExp>();

function compile(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (!expression) {
    const escaped = pattern.replaceAll('.', '\\.').replace('%', '\\d+');
    // The empty group makes `groups` an object for patterns without `#` and `*`.
    expression = new RegExp(`^${escaped.replace('#', '(?<block>\\d+)').replace('*', '(?<rest>.+)')}(?<end>)$`);
    compiled.set(pattern, expression);
  }
  return expression;
}

export function fillPattern(pattern: string, { block, rest }: Match): string {
  return pattern.replace('#', block).replace('*', rest).replace('%', '0');
}

function strip(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function whyIgnored({ ignored }: Family, name: string, tensors: ReadonlyMap<string, StoredTensor>): string | undefined {
  const why = lookUp(ignored, name);
  if (why === undefined || typeof why === 'string') return why;
  return tensors.has(why.beside) ? why.why : undefined;
}

function lookUp<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.entries(table).find(([pattern]) => matchPattern(pattern, name))?.[1];
}

/** A tensor may be part of several: where Q, K and V are one tensor, and the canonical ones are two. */
function findPlaces(rules: Rule[], name: string): { rule: Rule; match: Match; index: number }[] {
  return rules.flatMap((rule) =>
    rule.from.flatMap((pattern, index) => {
      const match = matchPattern(pattern, name);
      return match ? [{ rule, match, index }] : [];
    }),
  );
}
