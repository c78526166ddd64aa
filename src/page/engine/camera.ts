/**
 * The camera as a stream of pictures: one is under way at a time, and the next is whatever the camera shows by then. It is
 * given back when the page is hidden.
 */
import { type Live, live } from '../state/live.ts';
import { notify } from '../state/notices.ts';
import { isFatal } from '../state/problem.ts';
import { question } from '../state/question.ts';
import { hasLabels, judge, UNMEASURED } from '../state/verdict.ts';
import { text } from '../text/language.ts';
import { enqueue } from './queue.ts';
import { engine, giveUp } from './session.ts';

/** How much the last picture counts for the rate. */
const FRESH = 0.2;
const KEPT_LABELS = 10;

let kept = 0;

export async function openCamera(facingMode: 'user' | 'environment' = 'environment'): Promise<void> {
  live.value?.stop();
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode }, audio: false });
  } catch (error) {
    const { title, sentence } = text().problems.noCamera((error as Error).name);
    notify(`${title}. ${sentence}`);
    return;
  }
  const video = document.createElement('video');
  video.muted = video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  const shown = stream.getVideoTracks()[0].getSettings().facingMode;
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');

  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    document.removeEventListener('visibilitychange', stop);
    if (live.value?.video === video) live.value = null;
  };
  document.addEventListener('visibilitychange', stop);
  live.value = {
    ...{ video, isMirrored: shown !== 'environment', isPaused: false, verdict: null, best: [], rate: 0, stop },
    flip: cameras.length > 1 ? () => openCamera(facingMode === 'user' ? 'environment' : 'user') : null,
    pause: () => {
      const isPaused = !video.paused;
      if (isPaused) video.pause();
      else video.play();
      update(video, { isPaused });
    },
    keep: () => keep(video),
  };
  look(video);
}

/** As long as the camera is open. */
async function look(video: HTMLVideoElement): Promise<void> {
  let last = performance.now();
  while (await nextPicture(video)) {
    const vit = engine();
    const asked = question.value;
    if (!vit || !(asked || hasLabels(vit.info))) continue;
    try {
      const best = await vit.classify(video, { ...asked?.options, topK: KEPT_LABELS });
      const now = performance.now();
      const rate = 1000 / (now - last);
      last = now;
      const before = live.value?.rate || rate;
      update(video, {
        best,
        verdict: judge(best, asked ? UNMEASURED : vit.info),
        rate: before + FRESH * (rate - before),
      });
    } catch (error) {
      if (isFatal(error)) giveUp(vit, error);
    }
  }
}

/** @returns false once this camera is closed */
async function nextPicture(video: HTMLVideoElement): Promise<boolean> {
  const isOpen = () => live.value?.video === video;
  if (!isOpen()) return false;
  await new Promise<void>((resolve) => {
    // A paused camera has no next picture: its end must be seen all the same.
    const stop = setTimeout(resolve, 1000);
    const done = () => {
      clearTimeout(stop);
      resolve();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
  return isOpen() && (!video.paused || nextPicture(video));
}

function update(video: HTMLVideoElement, change: Partial<Live>): void {
  if (live.value?.video === video) live.value = { ...live.value, ...change };
}

/** The picture of this moment becomes a photo like any other. */
function keep(video: HTMLVideoElement): void {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d')!.drawImage(video, 0, 0);
  canvas.toBlob((file) => {
    if (file) enqueue([{ name: text().camera.picture(++kept), file, url: null }]);
  }, 'image/png');
}
