/**
 * What every reader of a checkpoint format gives: named tensors whose shapes are known at once and whose numbers are
 * read one tensor at a time. A new format is one more file that returns this.
 */
export interface Checkpoint {
  /** The file format, for people: `safetensors`. */
  readonly format: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * @returns the tensor's elements, row-major, in memory that is the caller's.
   * @throws ViTError `bad-input` for a name that is not there and for a type that does not hold real numbers.
   */
  read(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** `count` elements from element `first` on, where they can be read without the others. */
  readPart?(name: string, first: number, count: number): Promise<Float32Array<ArrayBuffer>>;
}

export interface StoredTensor {
  readonly shape: readonly number[];
  /** As the format calls it, in lower case: `f32`, `bf16`, `i64`. */
  readonly dtype: string;
  /** In the file. */
  readonly bytes: number;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
