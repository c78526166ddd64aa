/**
 * Which files of a repository or a folder are wanted: the checkpoint, and the JSON files that say what its tensors do not.
 * Knows names only.
 */
import { ViTError } from '../error.ts';

/** In a folder, the first of these is taken: what libraries call a model of theirs. */
export const CHECKPOINT_NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'open_clip_model.safetensors',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'open_clip_pytorch_model.bin',
  'model.pt',
  'model.pth',
  'model.npz',
  // No model, which is said when it is opened.
  'adapter_model.safetensors',
  'adapter_model.bin',
];

/** Beside the checkpoint: the converter reads these. */
export const CONFIG_NAMES = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
];

const CHECKPOINT = /^[^/]+\.(safetensors|bin|pt|pth|npz)$/;
/** What trainers save beside a model. */
const NOT_A_MODEL = /^(training_args|optimizer|scheduler|rng_state|scaler)/;

/** How people say which one is meant: a flag, or an option. */
export interface Choosing {
  /** `The repository` */
  place: string;
  /** `--file` */
  option: string;
}

/**
 * @param given its path, where it was said
 * @returns its path
 * @throws ViTError `bad-input` when there is none, or several of which none has a usual name
 */
export function chooseCheckpoint(
  paths: Iterable<string>,
  given: string | undefined,
  { place, option }: Choosing,
): string {
  const all = [...paths];
  const candidates = all.filter((path) => CHECKPOINT.test(path) && !NOT_A_MODEL.test(path));
  if (given !== undefined) {
    if (all.includes(given)) return given;
    throw new ViTError(
      'bad-input',
      `${option} ${given}: ${place.toLowerCase()} has no such file. It has ${list(candidates)}.`,
    );
  }
  const usual = CHECKPOINT_NAMES.find((name) => all.includes(name));
  if (usual) return usual;
  if (candidates.length === 1) return candidates[0];
  throw new ViTError(
    'bad-input',
    candidates.length === 0
      ? `${place} has no checkpoint; it has ${list(all)}. Give ${option} PATH for one in a folder.`
      : `${place} has several checkpoints. Give ${option} ${candidates.join(` or ${option} `)}.`,
  );
}

/**
 * @param index the parsed `*.index.json`
 * @returns the files beside it that it names
 * @throws ViTError `bad-input` when it names none
 */
export function partsOf(index: unknown, path: string): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const files = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  if (files.length === 0 || !files.every((file) => typeof file === 'string')) {
    throw new ViTError('bad-input', `${path} has no weight_map with the files of the checkpoint.`);
  }
  return files.map((file) => beside(path, file));
}

/** In the same folder as another file. */
export function beside(path: string, name: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) + name;
}

function list(paths: string[]): string {
  const shown = paths.slice(0, 8).join(', ') || 'none';
  return paths.length > 8 ? `${shown}, … (${paths.length} in all)` : shown;
}
