/**
 * Live video, of a camera, a screen or a file: what it shows is answered again and again, and what it comes from is given back.
 */
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { dropFile, OWL } from './photos.ts';
import { expect, shareVisit } from './visit.ts';

const test = shareVisit();

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
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.stage.locator('video')).toBeVisible();
  await visit.page.evaluate(hide);
  await expect(visit.stage.locator('video')).toHaveCount(0);
  await visit.picker.setInputFiles([OWL]);
  await visit.expectAnswer('owl.jpg');
  await visit.page.evaluate(show);
});

test('a screen is watched like a camera, until it is no longer shared', async ({ visit }) => {
  await visit.page.getByRole('button', { name: 'Screen' }).click();
  await expect(visit.stage.locator('.name')).toHaveText('Screen');
  await expect(visit.stage).toContainText(/[\d.]+ pictures per second/);
  await expect(visit.stage.locator('.frame'), 'not mirrored').toHaveCSS('transform', 'none');
  const video = visit.stage.locator('video');
  const track = await video.evaluateHandle(
    (element: HTMLVideoElement) => (element.srcObject as MediaStream).getVideoTracks()[0],
  );
  // As the browser's own button does.
  await track.evaluate((track) => track.dispatchEvent(new Event('ended')));
  await expect(video).toHaveCount(0);
  expect(await track.evaluate(({ readyState }) => readyState)).toBe('ended');
});

test('a video is played from its file, once more after its end', async ({ visit }) => {
  await visit.sample('German shepherd').click();
  await visit.page.evaluate(dropClip);
  await expect(visit.stage.locator('.name')).toHaveText('clip.webm');
  await expect(visit.toast, 'one at a time').toContainText('“second.webm” was left out.');
  await expect(visit.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem')).toHaveCount(5);
  await expect(visit.stage).toContainText(/[\d.]+ pictures per second/);
  expect(await visit.faults(), 'axe finds nothing').toEqual([]);
  const video = visit.stage.locator('video');
  await visit.stage.getByRole('button', { name: 'Go on' }).click();
  await expect(video).toHaveJSProperty('ended', false);
  await expect(visit.stage.getByRole('button', { name: 'Go on' })).toBeVisible();
  await visit.stage.getByRole('button', { name: 'Stop' }).click();
  await expect(video).toHaveCount(0);

  await dropFile(visit.page, 'LICENSE', 'film.mp4', 'video/mp4');
  await expect(visit.toast).toContainText('“film.mp4” is damaged, has no pictures, or is of a kind');
  await visit.expectAnswer('dog.jpg');
});

test('a camera that may not be opened is explained', async ({ visit }) => {
  await visit.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => {
      // Once: the next one may be opened again.
      Reflect.deleteProperty(navigator.mediaDevices, 'getUserMedia');
      return Promise.reject(new DOMException('', 'NotAllowedError'));
    };
  });
  await visit.page.getByRole('button', { name: 'Camera' }).click();
  await expect(visit.toast).toContainText('The camera could not be opened (NotAllowedError). Allow it');
});

/** Runs in the page. */
function hide(): void {
  Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

/** Runs in the page, after `hide`. */
function show(): void {
  Reflect.deleteProperty(document, 'hidden');
  document.dispatchEvent(new Event('visibilitychange'));
}

/** Runs in the page: drops half a second of a square that moves, twice. */
async function dropClip(): Promise<void> {
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d')!;
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm;codecs=vp8' });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  for (let x = 0; x < 250; x += 10) {
    pen.fillStyle = 'white';
    pen.fillRect(0, 0, 300, 150);
    pen.fillStyle = 'tomato';
    pen.fillRect(x, 50, 50, 50);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => {
    recorder.onstop = resolve;
    recorder.stop();
  });
  const dataTransfer = new DataTransfer();
  for (const name of ['clip.webm', 'second.webm'])
    dataTransfer.items.add(new File(parts, name, { type: 'video/webm' }));
  document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
}
