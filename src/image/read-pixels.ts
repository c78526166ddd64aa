/**
 * The bytes of a decoded picture, for the CPU. A 2D canvas gives opaque pixels exactly, but stores colours multiplied
 * by alpha: half of the 9,216 bytes of a random RGBA picture come back different, by up to 238. WebGL gives all of them
 * exactly, but costs a context; so a picture is read through WebGL from the first transparent pixel on.
 *
 * Read strip by strip: a picture of 100 megapixels needs no second copy.
 */
import { ViTError } from '../error.ts';
import { compositeOver } from './composite.ts';
import type { Picture } from './decode.ts';
import { type PixelSource, pixelSource } from './pixels.ts';

/** With `background` (RGB bytes) transparent pixels show it; without, alpha is dropped. */
export function pictureSource(picture: Picture, background?: readonly number[]): PixelSource {
  const source =
    'data' in picture
      ? pixelSource({ data: picture.data, width: picture.width, height: picture.height, channels: 4 })
      : bitmapSource(picture);
  if (!background) return source;
  return { ...source, rows: (first, count) => compositeOver(source.rows(first, count), background) };
}

/** @throws ViTError `bad-image` where there is no canvas that gives pixels back */
function bitmapSource(bitmap: ImageBitmap): PixelSource {
  const { width, height } = bitmap;
  const canvas = new CanvasReader(bitmap);
  let exact: WebGLReader | null = null;
  return {
    width,
    height,
    channels: 4,
    rows(first, count) {
      if (!exact) {
        const pixels = canvas.rows(first, count);
        if (isOpaque(pixels)) return pixels;
        exact = WebGLReader.create(bitmap);
        // Without WebGL the colours of nearly transparent pixels are rounded.
        if (!exact) return pixels;
      }
      return exact.rows(first, count);
    },
  };
}

function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false;
  return true;
}

class CanvasReader {
  private readonly bitmap: ImageBitmap;
  private context: OffscreenCanvasRenderingContext2D | null = null;

  constructor(bitmap: ImageBitmap) {
    this.bitmap = bitmap;
  }

  rows(first: number, count: number): Uint8ClampedArray {
    const { width } = this.bitmap;
    if (!this.context || this.context.canvas.height < count) {
      this.context = new OffscreenCanvas(width, count).getContext('2d', { willReadFrequently: true });
      if (!this.context)
        throw new ViTError('bad-image', `No canvas gives pixels back here: give { data, width, height }.`);
      // Replaces what the last strip left, transparent pixels included.
      this.context.globalCompositeOperation = 'copy';
    }
    this.context.drawImage(this.bitmap, 0, -first);
    return this.context.getImageData(0, 0, width, count).data;
  }
}

/** Reads a bitmap in tiles through a texture. */
class WebGLReader {
  private static shared: WebGL2RenderingContext | null = null;
  private readonly bitmap: ImageBitmap;
  private readonly gl: WebGL2RenderingContext;

  private constructor(bitmap: ImageBitmap, gl: WebGL2RenderingContext) {
    this.bitmap = bitmap;
    this.gl = gl;
  }

  /** Null where there is no WebGL 2. One context serves all pictures: browsers allow few. */
  static create(bitmap: ImageBitmap): WebGLReader | null {
    if (!WebGLReader.shared || WebGLReader.shared.isContextLost()) {
      WebGLReader.shared = new OffscreenCanvas(1, 1).getContext('webgl2');
    }
    return WebGLReader.shared && new WebGLReader(bitmap, WebGLReader.shared);
  }

  rows(first: number, count: number): Uint8Array {
    const { gl } = this;
    const { width } = this.bitmap;
    const result = new Uint8Array(width * count * 4);
    const limit = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    for (let y = 0; y < count; y += limit) {
      for (let x = 0; x < width; x += limit) {
        const tile = { x, y, width: Math.min(limit, width - x), height: Math.min(limit, count - y) };
        this.readTile(tile, first, result);
      }
    }
    return result;
  }

  private readTile(
    { x, y, width, height }: { x: number; y: number; width: number; height: number },
    first: number,
    result: Uint8Array,
  ): void {
    const { gl } = this;
    const texture = gl.createTexture();
    const framebuffer = gl.createFramebuffer();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, x);
    gl.pixelStorei(gl.UNPACK_SKIP_ROWS, first + y);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, this.bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    gl.pixelStorei(gl.PACK_ROW_LENGTH, this.bitmap.width);
    gl.pixelStorei(gl.PACK_SKIP_PIXELS, x);
    gl.pixelStorei(gl.PACK_SKIP_ROWS, y);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, result);
    gl.deleteFramebuffer(framebuffer);
    gl.deleteTexture(texture);
  }
}
