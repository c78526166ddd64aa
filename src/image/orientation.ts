/**
 * Hides a file's EXIF from the decoder, for callers who want the pixels as stored: browsers turn a picture as its EXIF
 * says, and `createImageBitmap`'s `imageOrientation: 'none'` no longer keeps them from it.
 *
 * Only JPEG, where cameras write it. The pixels themselves are not touched.
 */
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];

/** The same file, its EXIF segment under a name that no decoder reads. */
export async function withoutOrientation(file: Blob): Promise<Blob> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return file;
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === 0xda) break;
    if (marker === 0xe1 && EXIF.every((byte, i) => bytes[at + 4 + i] === byte)) bytes[at + 4] = 0x58;
    at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return new Blob([bytes], { type: file.type });
}
