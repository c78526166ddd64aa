/**
 * Bytes to text, one character each. `TextDecoder` has no such thing: what it calls latin1 is Windows-1252.
 */
export function latin1(bytes: Uint8Array): string {
  const pieces: string[] = [];
  // Few enough at a time to be arguments of a call.
  for (let i = 0; i < bytes.length; i += 4096) pieces.push(String.fromCharCode(...bytes.subarray(i, i + 4096)));
  return pieces.join('');
}
