/**
 * Live video: what it shows is answered again and again, and the camera is given back.
 */
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { OWL } from './photos.ts';
import { expect, test } from './visit.ts';

test.use({
  launchOptions: {
    executablePath: process.env.CHROME_PATH,
    args: [...CHROME_ARGS, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  },
  permissions: ['camera'],
  // A camera opens and closes without a click that the test makes.
  movesThings: true,
});

test('live video is answered, paused, kept and torn down', async ({ visit }) => {
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem')).toHaveCount(5);
  await expect(visit.stage).toContainText(/[\d.]+ pictures per second/);
  const video = visit.stage.locator('video');
  await expect(visit.stage.locator('.frame'), 'as in a mirror').toHaveCSS('transform', 'matrix(-1, 0, 0, 1, 0, 0)');
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);

  await visit.stage.getByRole('button', { name: 'Pause' }).click();
  await expect(video).toHaveJSProperty('paused', true);
  await visit.stage.getByRole('button', { name: 'Go on' }).click();
  await expect(video).toHaveJSProperty('paused', false);

  const track = await video.evaluateHandle(
    (element: HTMLVideoElement) => (element.srcObject as MediaStream).getVideoTracks()[0],
  );
  await visit.stage.getByRole('button', { name: 'Keep this picture' }).click();
  await visit.expectAnswer('Picture 1');
  await expect(video, 'a photo takes its place').toHaveCount(0);
  expect(await track.evaluate(({ readyState }) => readyState)).toBe('ended');
});

test('a page that is hidden gives the camera back', async ({ visit }) => {
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.stage.locator('video')).toBeVisible();
  await visit.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await expect(visit.stage.locator('video')).toHaveCount(0);
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
});

test('a camera that may not be opened is explained', async ({ visit }) => {
  await visit.page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await visit.arriveReady();
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.toast).toContainText('The camera could not be opened (NotAllowedError). Allow it');
});
