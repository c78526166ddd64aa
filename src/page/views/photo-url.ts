/**
 * The address by which the photo on the stage is shown. One at a time: the last one is given back.
 */
import type { Photo } from '../state/items.ts';

export class PhotoUrl {
  #file: Blob | null = null;
  #url: string | null = null;

  /** Null where there is nothing to show yet. A sample is shown from where it lies, also before it is fetched. */
  of(photo: Photo | null): string | null {
    if (photo?.url && new URL(photo.url, document.baseURI).origin === location.origin) {
      this.#hold(null);
      return photo.url;
    }
    this.#hold(photo?.file ?? null);
    return this.#url;
  }

  #hold(file: Blob | null): void {
    if (file === this.#file) return;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#file = file;
    this.#url = file && URL.createObjectURL(file);
  }
}
