/**
 * The size that an image file declares in its header, so that a picture too large is refused before a decoder takes
 * memory for it. Reads PNG, JPEG, GIF, WebP, BMP and AVIF/HEIF; decodes nothing and trusts nothing.
 */
import type { Size } from './geometry.ts';

/** Sizes as stored: an EXIF orientation may still swap them. Null where the format is unknown or the header is cut off. */
export function declaredSize(file: Uint8Array): Size | null {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (text(view, 1, 3) === 'PNG') return png(view);
    if (view.getUint16(0) === 0xffd8) return jpeg(view);
    if (text(view, 0, 4) === 'GIF8') return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
    if (text(view, 0, 4) === 'RIFF' && text(view, 8, 4) === 'WEBP') return webp(view);
    if (text(view, 0, 2) === 'BM') return bmp(view);
    if (text(view, 4, 4) === 'ftyp') return isoMedia(view);
    return null;
  } catch (error) {
    // Read past the end: the header is longer than what is here.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function text(view: DataView, at: number, length: number): string {
  let result = '';
  for (let i = 0; i < length; i++) result += String.fromCharCode(view.getUint8(at + i));
  return result;
}

function png(view: DataView): Size {
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks the segments to the frame header, which may come after much metadata. */
function jpeg(view: DataView): Size | null {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++; // A fill byte.
      continue;
    }
    // SOF0 to SOF15 without DHT, JPG and DAC, which lie among them.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    if (marker === 0xda || marker === 0xd9) return null;
    at += 2 + view.getUint16(at + 2);
  }
}

/** Three forms of WebP: extended (24-bit sizes less one), lossless (14-bit sizes less one) and lossy. */
function webp(view: DataView): Size | null {
  const form = text(view, 12, 4);
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (form === 'VP8X') return { width: uint24(24) + 1, height: uint24(27) + 1 };
  if (form === 'VP8L') {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
  }
  if (form !== 'VP8 ') return null;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/** A negative height says that rows run from top to bottom. The oldest header has 16-bit sizes. */
function bmp(view: DataView): Size {
  if (view.getUint32(14, true) === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** The largest `ispe` box: a file holds one per picture, thumbnail and tile. */
function isoMedia(view: DataView): Size | null {
  let largest: Size | null = null;
  const metadata = Math.min(view.byteLength - 16, 1 << 16);
  for (let at = 8; at <= metadata; at++) {
    if (view.getUint32(at) !== 0x69737065) continue;
    const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (!largest || size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest;
}
