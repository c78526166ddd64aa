/**
 * What a camera shows, or a screen: streams that the browser asks a person for.
 */
import { live } from '../state/live.ts';
import { notify } from '../state/notices.ts';
import type { Problem } from '../state/problem.ts';
import { text } from '../text/language.ts';
import { show } from './live.ts';

export async function openCamera(facingMode: 'user' | 'environment' = 'environment'): Promise<void> {
  await open(
    () => navigator.mediaDevices.getUserMedia({ video: { facingMode }, audio: false }),
    ({ name }) =>
      ({ problems }) =>
        problems.noCamera(name),
    async (stream) => {
      const shown = stream.getVideoTracks()[0].getSettings().facingMode;
      const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
      return {
        name: () => text().shell.camera,
        isMirrored: shown !== 'environment',
        flip: cameras.length > 1 ? () => openCamera(facingMode === 'user' ? 'environment' : 'user') : null,
      };
    },
  );
}

/** A screen, a window or a tab. */
export async function openScreen(): Promise<void> {
  await open(
    () => navigator.mediaDevices.getDisplayMedia({ video: true, audio: false, ...stayHere() }),
    ({ name }) =>
      ({ problems }) =>
        problems.noScreen(name),
    async () => ({ name: () => text().shell.screen }),
  );
}

async function open(
  ask: () => Promise<MediaStream>,
  problem: (error: Error) => Problem,
  describe: (stream: MediaStream) => Promise<Omit<Parameters<typeof show>[1], 'release'>>,
): Promise<void> {
  // Two cameras at once are more than a phone opens.
  live.value?.stop();
  const video = document.createElement('video');
  const release = () => {
    for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  };
  try {
    const stream = await ask();
    video.srcObject = stream;
    await show(video, { ...(await describe(stream)), release });
  } catch (error) {
    release();
    const { title, sentence } = problem(error as Error)(text());
    notify(`${title}. ${sentence}`);
  }
}

/** Where a browser would turn to the tab that is chosen, this page would be hidden, and give it back at once. */
function stayHere(): object {
  const { CaptureController } = globalThis as {
    CaptureController?: new () => { setFocusBehavior?(how: string): void };
  };
  if (!CaptureController) return {};
  const controller = new CaptureController();
  controller.setFocusBehavior?.('no-focus-change');
  return { controller };
}
