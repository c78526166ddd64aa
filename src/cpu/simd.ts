/**
 * What WebAssembly of this browser can do, found out without compiling anything: two modules of one function each, which are
 * valid only where their instruction is known.
 */

/** `relaxed` has a multiply-add in one instruction; `none` is no SIMD at all. */
export type Simd = 'relaxed' | 'plain' | 'none';

/** i8x16.splat(i32.const 0) */
const ZEROS = [0x41, 0, 0xfd, 0x0f];
/** f32x4.relaxed_madd */
const RELAXED_MADD = [0xfd, 0x85, 0x02];

export function supportedSimd(): Simd {
  if (typeof WebAssembly !== 'object' || !isValid(ZEROS)) return 'none';
  return isValid([...ZEROS, ...ZEROS, ...ZEROS, ...RELAXED_MADD]) ? 'relaxed' : 'plain';
}

/** @param instructions of a function that takes nothing and returns a vector */
function isValid(instructions: number[]): boolean {
  const body = [0, ...instructions, 0x0b];
  const types = [1, 5, 1, 0x60, 0, 1, 0x7b];
  const functions = [3, 2, 1, 0];
  const code = [10, body.length + 2, 1, body.length, ...body];
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  return WebAssembly.validate(Uint8Array.from([...header, ...types, ...functions, ...code]));
}
