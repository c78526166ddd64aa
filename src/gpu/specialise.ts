/**
 * Gives a shader its sizes. A shader file is complete, valid WGSL whose constants have example values; specialising
 * changes those values, and the type that `scalar` stands for, and nothing else.
 */
import { ViTError } from '../error.ts';

export type Constants = Record<string, number | boolean>;

/**
 * @param file for the error message
 * @param source WGSL with one line `const NAME = value;` for each of `constants`
 * @param scalar what the line `alias scalar = f32;`, which there need not be, is to say instead
 * @throws ViTError `shader` when a name is not declared exactly once, or its value is not of the declared type
 */
export function specialise(file: string, source: string, constants: Constants, scalar: 'f32' | 'f16' = 'f32'): string {
  const times = new Map<string, number>();
  const code = source.replace(/^const (\w+) = ([^;]+);/gm, (line, name, example) => {
    if (!Object.hasOwn(constants, name)) return line;
    times.set(name, (times.get(name) ?? 0) + 1);
    return `const ${name} = ${literal(constants[name], example, `${file}: ${name}`)};`;
  });
  for (const name in constants) {
    const found = times.get(name) ?? 0;
    if (found !== 1)
      throw new ViTError('shader', `${file} declares the constant ${name} ${found} times instead of once.`);
  }
  if (scalar === 'f32') return code;
  if (!code.includes(ALIAS)) throw new ViTError('shader', `${file} declares no alias scalar.`);
  return `enable f16;\n${code.replace(ALIAS, 'alias scalar = f16;')}`;
}

/**
 * A shader with what continues it.
 * @param more WGSL, whose directives have to come first; a function that it declares again, which has no block in it, is its own
 */
export function continued(source: string, more: string): string {
  const directives = /^(enable|diagnostic).*;\n/gm;
  const kept = source.replace(/^fn (\w+\()[^}]*}/gm, (whole, name) => (more.includes(`fn ${name}`) ? '' : whole));
  return [...(more.match(directives) ?? []), kept, more.replace(directives, '')].join('');
}

const ALIAS = 'alias scalar = f32;';

/** `value` written with the type of the literal it replaces: bool, u32 (`8u`), i32 (`8i`) or f32 (`0.5f`). */
function literal(value: number | boolean, example: string, where: string): string {
  const suffix = /^-?[\d.e+-]+([uif])$/.exec(example)?.[1];
  const fits =
    typeof value === 'boolean'
      ? example === 'true' || example === 'false'
      : (suffix === 'f' && Number.isFinite(value)) ||
        (suffix === 'i' && Number.isInteger(value)) ||
        (suffix === 'u' && Number.isInteger(value) && value >= 0);
  if (!fits) throw new ViTError('shader', `${where} cannot be ${value}: it stands for a value like ${example}.`);
  return typeof value === 'boolean' ? String(value) : `${value}${suffix}`;
}
