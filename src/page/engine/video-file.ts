/**
 * A video from a file, as a camera is shown.
 */
import { live } from '../state/live.ts';
import { notify } from '../state/notices.ts';
import { text } from '../text/language.ts';
import { show } from './live.ts';

export async function openVideo(file: File): Promise<void> {
  live.value?.stop();
  const video = document.createElement('video');
  const url = URL.createObjectURL(file);
  video.src = url;
  // To go to another place in it.
  video.controls = true;
  const release = () => {
    video.removeAttribute('src');
    URL.revokeObjectURL(url);
  };
  try {
    await show(video, { name: () => file.name, release });
  } catch {
    release();
    const { title, sentence } = text().problems.noVideo(file.name);
    notify(`${title}. ${sentence}`);
  }
}
