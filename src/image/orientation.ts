/**
 * Removes the EXIF from a file, for callers who want the pixels as stored: browsers rotate a picture by its EXIF, and
 * `createImageBitmap`'s `imageOrientation: 'none'` no longer prevents that (measured in Chromium 156).
 *
 * For JPEG and PNG, which Chromium rotates; it does not rotate WebP, whatever its EXIF says.
 */

/** "Exif\0\0", with which a JPEG's APP1 segment begins. */
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
/** The type of a PNG's chunk. */
const PNG_EXIF = 0x65584966;

/** The same file without its EXIF; the pixels are not touched. */
export async function withoutOrientation(file: Blob): Promise<Blob> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const exif = isJpeg(bytes) ? exifOfJpeg(bytes) : isPng(bytes) ? exifOfPng(bytes) : null;
  return exif ? new Blob([file.slice(0, exif.start), file.slice(exif.end)], { type: file.type }) : file;
}

interface Range {
  start: number;
  end: number;
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8;
}

function exifOfJpeg(bytes: Uint8Array): Range | null {
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    // Start of scan: no more metadata.
    if (marker === 0xda) return null;
    const end = at + 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    if (marker === 0xe1 && EXIF.every((byte, i) => bytes[at + 4 + i] === byte)) return { start: at, end };
    at = end;
  }
  return null;
}

function isPng(bytes: Uint8Array): boolean {
  return bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47;
}

/** Chunks are length, type, data and checksum. The EXIF may come after the pixels. */
function exifOfPng(bytes: Uint8Array): Range | null {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (view.getUint32(at + 4) === PNG_EXIF) return { start: at, end };
    at = end;
  }
  return null;
}
