/**
 * A video as a stream of pictures: one is under way at a time, and the next is whatever is shown by then.
 */
import { type Live, live } from '../state/live.ts';
import { isFatal } from '../state/problem.ts';
import { question } from '../state/question.ts';
import { hasLabels, judge, UNMEASURED } from '../state/verdict.ts';
import { text } from '../text/language.ts';
import { engine, giveUp } from './model.ts';
import { enqueue } from './photo-queue.ts';

/** How much the last picture counts for the rate. */
const FRESH = 0.2;
const KEPT_LABELS = 10;
/** Milliseconds after which a video that shows nothing new is looked at all the same: a screen may stand still. */
const STILL = 1000;

let kept = 0;

export interface Shown extends Pick<Live, 'name'>, Partial<Pick<Live, 'isMirrored' | 'flip'>> {
  /** Gives back what it comes from. */
  release(): void;
}

/**
 * Gives the stage to a video, and looks at it as long as it stays there. A page that is hidden gives a device back, and pauses a file.
 * @throws where it cannot be played, or has no pictures: it is the caller's to release then
 */
export async function show(video: HTMLVideoElement, { name, isMirrored = false, flip = null, release }: Shown) {
  const [track] = (video.srcObject as MediaStream | null)?.getVideoTracks() ?? [];
  const hide = () => {
    if (!document.hidden) return;
    if (track) stop();
    else video.pause();
  };
  const stop = () => {
    document.removeEventListener('visibilitychange', hide);
    if (live.value?.video === video) live.value = null;
    video.pause();
    release();
  };
  video.muted = video.playsInline = true;
  await video.play();
  if (video.videoWidth === 0) throw new DOMException('It has no pictures.', 'NotSupportedError');
  live.value?.stop();
  document.addEventListener('visibilitychange', hide);
  // Unplugged, or no longer shared.
  track?.addEventListener('ended', stop);
  for (const type of ['play', 'pause']) video.addEventListener(type, () => update(video, { isPaused: video.paused }));
  live.value = {
    ...{ video, name, isMirrored, isPaused: video.paused, verdict: null, best: [], rate: 0, flip, stop },
    pause: () => (video.paused ? video.play() : video.pause()),
    keep: () => keep(video),
  };
  look(video);
}

async function look(video: HTMLVideoElement): Promise<void> {
  let last = performance.now();
  for (let isOpen = true; isOpen; isOpen = await nextPicture(video)) {
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

/** @returns false once this video is off the stage */
async function nextPicture(video: HTMLVideoElement): Promise<boolean> {
  const isOpen = () => live.value?.video === video;
  while (isOpen() && !(await showsMore(video)));
  return isOpen();
}

/** Whether there is something to look at: of a paused video only what it is moved to, and the picture that has no answer yet. */
function showsMore(video: HTMLVideoElement): Promise<boolean> {
  return new Promise((resolve) => {
    const hasFrames = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
    const done = (isNew: boolean) => {
      clearTimeout(timer);
      if (hasFrames) video.cancelVideoFrameCallback(frame);
      resolve(isNew);
    };
    const timer = setTimeout(() => done(!video.paused || live.value?.verdict === null), STILL);
    const frame = hasFrames
      ? video.requestVideoFrameCallback(() => done(true))
      : requestAnimationFrame(() => done(!video.paused));
  });
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
