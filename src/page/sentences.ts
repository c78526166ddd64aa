/**
 * What the page says: every failure and every state of the engine as a sentence that a person understands.
 */
import { type ErrorCode, type ModelInfo, type Support, ViTError } from '../index.ts';
import { bytes, count, labelList, things } from './format.ts';

export interface Problem {
  /** A few words. */
  title: string;
  /** What happened and what to do. */
  sentence: string;
  /** For whoever repairs it. */
  detail?: string;
}

const KINDS = 'JPEG, PNG, WebP, GIF or AVIF';

export function emptyFile(name: string): Problem {
  return {
    title: 'An empty file',
    sentence: `“${name}” has nothing in it (0 bytes). Choose the photo itself, or save it again.`,
  };
}

export function notAnImage(name: string): Problem {
  return { title: 'Not an image', sentence: `“${name}” holds something else. Give a photo: ${KINDS}.` };
}

export function isFolder(name: string): Problem {
  return { title: 'A folder', sentence: `“${name}” is a folder. Open it and drop the photos inside.` };
}

export function unreachable(host: string): Problem {
  return {
    title: 'Photo not fetched',
    sentence: `${host || 'That page'} does not let other pages read this photo, or cannot be reached. Save the photo, then drop the file.`,
  };
}

export function notFound(host: string, status: number): Problem {
  return {
    title: 'Photo not fetched',
    sentence: `${host} did not hand the photo out (HTTP ${status}). Save it, then drop the file.`,
  };
}

export const NOTHING_PASTED = 'There is no image on the clipboard. Copy a photo first, then paste.';
export const NOTHING_DROPPED = 'There was no image in what you dropped.';

/** A photo that got no answer. */
export function photoProblem(error: unknown, name: string): Problem {
  switch (codeOf(error)) {
    case 'bad-image':
      return {
        title: 'Cannot be read',
        sentence: `“${name}” is damaged or cut off, or of a kind this browser does not open. Give a photo: ${KINDS}.`,
      };
    case 'out-of-memory':
      return { title: 'Too large', sentence: `“${name}” needs more memory than there is. Try a smaller copy of it.` };
    default:
      return {
        title: 'No answer',
        sentence: `Something went wrong with “${name}” (${describe(error)}). Try it once more.`,
      };
  }
}

/** A model that cannot be used. */
export function modelProblem(error: unknown): Problem {
  const [title, sentence] = MODEL_PROBLEMS[codeOf(error) ?? 'other'] ?? MODEL_PROBLEMS.other!;
  return { title, sentence, detail: describe(error) };
}

const MODEL_PROBLEMS: Partial<Record<ErrorCode | 'other', [string, string]>> = {
  network: ['The model did not arrive', 'Its files could not be downloaded. Check the connection, then try again.'],
  'bad-shard': [
    'The model arrived damaged',
    'A weight file is not what it should be, so nothing was run with it. Trying again downloads it anew.',
  ],
  'bad-manifest': [
    'This is not a model',
    'The address does not lead to a model this page can read. Check the address.',
  ],
  'unsupported-model': ['This model is of another kind', 'It is a model, but not one that this page knows how to run.'],
  'no-webgpu': [
    'No WebGPU here',
    'Use a current Chrome, Edge, Safari or Firefox, and turn on hardware acceleration in its settings.',
  ],
  'out-of-memory': ['Not enough memory', 'The model does not fit. Close other tabs and programs, then try again.'],
  'device-lost': ['The GPU was reset', 'The browser lost its graphics device. Trying again starts it anew.'],
  shader: [
    'The GPU refused the program',
    'Its driver did not accept the shaders. Update the graphics driver or the browser, then try again.',
  ],
  numeric: ['The GPU miscalculated', 'What it computed are not numbers. Update the graphics driver, then try again.'],
  other: ['The model could not be started', 'Something unforeseen went wrong. Try again, or reload the page.'],
};

/** Errors after which the engine answers no more, and must be loaded anew. */
export function isFatal(error: unknown): boolean {
  // Photos are handed over as bytes, so a network error can only be the worker's.
  return ['device-lost', 'disposed', 'network'].includes(codeOf(error) ?? '');
}

/** Where the model runs, in a few words. */
export function backendName({ backend, adapter }: ModelInfo): string {
  if (backend === 'cpu') return 'Ready, on the processor, without WebGPU';
  const name = adapter ? adapterName(adapter) : 'unnamed';
  return adapter?.software ? `Ready, on a software GPU (${name})` : `Ready, on your GPU (${name}) through WebGPU`;
}

/** What that means, why it is so, and what to do. */
export function backendSentence({ backend, adapter, fallbackReason }: ModelInfo, { reason }: Support): string {
  if (backend === 'cpu') return `Same answers, but slower. ${reason ?? fallbackReason ?? ''}`;
  if (adapter?.software) return 'The processor stands in for a graphics chip: same answers, but slower.';
  return '';
}

function adapterName({ description, vendor, architecture }: NonNullable<ModelInfo['adapter']>): string {
  const name = description || `${vendor} ${architecture}`.trim() || 'unnamed';
  return name.replace(/(^| )[a-z]/g, (letter) => letter.toUpperCase());
}

export function modelSentence(info: ModelInfo): string {
  return `${info.name}: ${count(info.parameters)} weights, ${bytes(info.bytes)}.`;
}

export function knownLabels(labels: string[]): string {
  return `It knows ${things(labels.length)}: ${labelList(labels)}.`;
}

export function notSure(labels: string[]): string {
  return `It may be none of what the model knows: ${labelList(labels)}.`;
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof ViTError ? error.code : undefined;
}

function describe(error: unknown): string {
  return error instanceof ViTError ? `${error.code}: ${error.message}` : String(error);
}
