/**
 * What git calls a file by its contents, a blob: SHA-1 (FIPS 180-4) of a header and the bytes. By hand, since pages without https
 * have no `crypto.subtle`; the files are small.
 */

/** @returns lower-case hexadecimal */
export function gitHash(bytes: Uint8Array): string {
  const header = new TextEncoder().encode(`blob ${bytes.length}\0`);
  const length = header.length + bytes.length;
  // A one bit, zeros, and the length in bits at the end of a block.
  const padded = new Uint8Array(Math.ceil((length + 9) / 64) * 64);
  padded.set(header);
  padded.set(bytes, header.length);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, 8n * BigInt(length));
  const hash = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const words = new Uint32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(block + 4 * i);
    for (let i = 16; i < 80; i++) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    let [a, b, c, d, e] = hash;
    for (let i = 0; i < 80; i++) {
      const [mixed, constant] = ROUNDS[Math.floor(i / 20)](b, c, d);
      const next = (rotate(a, 5) + mixed + e + constant + words[i]) | 0;
      [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
    }
    for (const [i, value] of [a, b, c, d, e].entries()) hash[i] += value;
  }
  return Array.from(hash, (word) => word.toString(16).padStart(8, '0')).join('');
}

const parity = (b: number, c: number, d: number) => b ^ c ^ d;

/** Of twenty steps each. */
const ROUNDS: ((b: number, c: number, d: number) => [mixed: number, constant: number])[] = [
  (b, c, d) => [(b & c) | (~b & d), 0x5a827999],
  (b, c, d) => [parity(b, c, d), 0x6ed9eba1],
  (b, c, d) => [(b & c) | (b & d) | (c & d), 0x8f1bbcdc],
  (b, c, d) => [parity(b, c, d), 0xca62c1d6],
];

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
