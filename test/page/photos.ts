/**
 * Photos and other files that are dropped on the page.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Locator, Page } from '@playwright/test';

const SAMPLES = 'public/samples';

export const OWL = `${SAMPLES}/owl.jpg`;
export const JET = `${SAMPLES}/jet.jpg`;
/** A cup of coffee: the model does not know cups. */
export const CUP = `${SAMPLES}/cup.jpg`;

/** Ends in the middle of its header: no decoder makes anything of it. */
export function truncated(path: string): string {
  writeFileSync(path, readFileSync(OWL).subarray(0, 300));
  return path;
}

/** The owl, with a note that it lies on its side: a quarter turn clockwise sets it upright. */
export function turned(path: string): string {
  const jpeg = readFileSync(OWL);
  const orientation = Buffer.from(
    'ffe10022457869660000' + '4d4d002a00000008' + '0001' + '011200030000000100060000' + '00000000',
    'hex',
  );
  writeFileSync(path, Buffer.concat([jpeg.subarray(0, 2), orientation, jpeg.subarray(2)]));
  return path;
}

/** Drags files from the disk over the page and lets them go, as the browser gets it from the desktop. */
export async function drop(page: Page, paths: string[], at?: Locator): Promise<void> {
  const release = await drag(page, paths, at);
  await release();
}

/** @returns lets go. */
export async function drag(page: Page, paths: string[], at?: Locator): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths.map((path) => absolute(path)), dragOperationsMask: 1 };
  await at?.scrollIntoViewIfNeeded();
  const box = await at?.boundingBox();
  const [x, y] = box ? [box.x + box.width / 2, box.y + box.height / 2] : [180, 300];
  const send = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    session.send('Input.dispatchDragEvent', { type, x, y, data });
  const enter = async () => {
    await send('dragEnter');
    await send('dragOver');
  };
  await enter();
  return async () => {
    const isDropped = async () => {
      for (let wait = 0; wait < 10; wait++) {
        if (await page.evaluate(() => document.documentElement.dataset.dropped !== undefined)) return true;
        await page.waitForTimeout(50);
      }
      return false;
    };
    await page.evaluate(() => {
      delete document.documentElement.dataset.dropped;
      addEventListener('drop', () => document.documentElement.setAttribute('data-dropped', ''), { once: true });
    });
    await send('drop');
    // A browser that has not yet heard from a busy page that it takes them lets them fall beside it.
    for (let tries = 0; tries < 10 && !(await isDropped()); tries++) {
      await enter();
      await send('drop');
    }
  };
}

/** Drops what another page would hand over: its picture's address, with no file. */
export async function dropMarkup(page: Page, html: string): Promise<void> {
  await page.evaluate((html) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData('text/html', html);
    document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
  }, html);
}

/** Drops a file of any name and type. */
export async function dropFile(page: Page, path: string, name = basename(path), type = 'image/jpeg'): Promise<void> {
  const base64 = readFileSync(path).toString('base64');
  await page.evaluate(
    async ({ base64, name, type }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name, { type }));
      const isLeft = document.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
      if (isLeft) throw new Error('the browser would leave the page and open the file');
    },
    { base64, name, type },
  );
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `${process.cwd()}/${path}`;
}
