/**
 * Tells a checkpoint's file format from its first bytes, and opens it.
 */
import { ViTError } from '../error.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openSafetensors } from './safetensors.ts';
import type { Source } from './source.ts';

/** First bytes of what people try that is not safetensors. */
const OTHER_FORMATS: { magic: number[]; title: string }[] = [
  { magic: [0x50, 0x4b], title: "a zip archive, as PyTorch's .pt and NumPy's .npz are" },
  { magic: [0x80], title: 'a Python pickle, as old PyTorch files are' },
  { magic: [0x89, 0x48, 0x44, 0x46], title: 'HDF5, as Keras writes it' },
];

/**
 * @throws ViTError `unsupported-model` for a format this version does not read, `bad-input` for a broken file.
 */
export async function openCheckpoint(source: Source): Promise<Checkpoint> {
  const start = await source.read(0, Math.min(8, source.size));
  const other = OTHER_FORMATS.find(({ magic }) => magic.every((byte, i) => start[i] === byte));
  // A safetensors header of such a length would begin with these bytes too, but its JSON opens at the ninth.
  const brace = source.size > 8 ? (await source.read(8, 1))[0] : 0;
  if (other && brace !== 0x7b) {
    throw new ViTError(
      'unsupported-model',
      `This is ${other.title}; this version reads safetensors. In Python: ` +
        "safetensors.torch.save_file(model.state_dict(), 'model.safetensors').",
    );
  }
  return openSafetensors(source);
}
