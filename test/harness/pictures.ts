/**
 * Small pictures as files, each another one.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** `[edge, edge]` pixels of one colour after another, by the number of the picture. */
export function picturePng(index: number, edge = 24): Promise<Buffer> {
  const data = Uint8Array.from({ length: 3 * edge * edge }, (_, i) => (i * (index + 1) * 37 + index * 101) % 256);
  return sharp(data, { raw: { width: edge, height: edge, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** `0/p00000.png`, a thousand in a folder. @returns their names, as a list of the folder has them */
export async function writePictures(folder: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `${Math.floor(i / 1000)}/p${String(i).padStart(5, '0')}.png`);
  for (const [i, name] of names.entries()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), await picturePng(i));
  }
  return names;
}
