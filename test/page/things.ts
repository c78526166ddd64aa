/**
 * Boxes of one's own things, with photos in them.
 */
import type { Locator } from '@playwright/test';
import { JET, OWL } from './photos.ts';
import { expect, type Visit } from './visit.ts';

export const DOG = 'public/samples/dog.jpg';
export const KITTEN = 'public/samples/kitten.jpg';
export const FIRE_ENGINE = 'public/samples/fire-engine.jpg';

export async function open(visit: Visit): Promise<Locator> {
  await visit.page.getByText('Your own things').click();
  await expect(visit.asked.getByRole('group', { name: 'Thing 1' })).toBeVisible();
  return visit.asked;
}

export const box = (asked: Locator, name: string) => asked.getByRole('group', { name, exact: true });

/** Two boxes, by the file picker. */
export async function teach(visit: Visit): Promise<Locator> {
  const asked = await open(visit);
  await asked.getByLabel('Name of thing 1').fill('animal');
  await asked.getByLabel('Name of thing 2').fill('machine');
  await asked.getByLabel('Add photos to animal').setInputFiles([OWL, DOG, KITTEN]);
  await asked.getByLabel('Add photos to machine').setInputFiles([JET, FIRE_ENGINE]);
  await expect(asked.getByRole('status')).toContainText(/Learned\. .+: \d of 5 right/);
  return asked;
}
