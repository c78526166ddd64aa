/**
 * A model at another image size than that of its files: one that the caller asks for or, where pictures keep their shape, that of
 * each picture. The network that is loaded is then that of the files' own size.
 */

import { patchGrid } from '../model/architecture.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { atImageSize, resampling } from '../weights/image-size.ts';
import type { LoadedManifest } from '../weights/manifest.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { type Pixels, Shapes } from './shapes.ts';

export class Resizing {
  /** At the size of the network that is loaded. */
  readonly manifest: LoadedManifest;
  /** What happens to a picture. */
  readonly preprocess: Preprocess;
  /** Null where all pictures get the size that was asked for. */
  readonly shapes: Shapes | null;
  readonly #stored: LoadedManifest;

  /** @throws ViTError `bad-input` for a size that cannot be, `unsupported-model` for a network of one size only */
  constructor(stored: LoadedManifest, imageSize: readonly [number, number] | undefined, pixels: Pixels) {
    this.#stored = stored;
    const sized = atImageSize(stored, imageSize ?? stored.architecture.imageSize);
    const isOther = String(patchGrid(sized.architecture)) !== String(patchGrid(stored.architecture));
    this.manifest = { ...sized, ...(isOther && { golden: undefined }) };
    this.shapes = imageSize ? null : new Shapes(stored, pixels);
    this.preprocess = (imageSize ? sized : stored).preprocess;
  }

  /** @returns what takes the model's tensors in place of `add` */
  sink(add: (piece: TensorPiece) => void): (piece: TensorPiece) => void {
    const { shapes } = this;
    if (!shapes) return resampling(this.#stored.architecture, this.manifest.architecture, add);
    return (piece) => {
      shapes.keep(piece);
      add(piece);
    };
  }
}
