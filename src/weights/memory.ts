/**
 * Memory that is used again, or given back at once: as garbage, what a model of 350 MB goes through would add up to a third of it
 * before it is collected.
 */

/** Bytes that are read at a time. */
const CHUNK = 1 << 19;

/** Chrome collects a file's stream as garbage while a read is pending, unless something refers to it: the read never ends. */
const waiting = new Set<ReadableStreamBYOBReader>();

/** The bytes of a stream, each chunk valid until the next one: in the same memory, where the platform can read into it. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = openReader(stream);
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

function openReader(
  stream: ReadableStream<Uint8Array>,
): Pick<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, 'read' | 'cancel'> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    return stream.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  }
  let memory = new ArrayBuffer(CHUNK);
  return {
    async read() {
      waiting.add(reader);
      const chunk = await reader.read(new Uint8Array(memory)).finally(() => waiting.delete(reader));
      if (chunk.value) memory = chunk.value.buffer;
      return chunk as ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
    },
    cancel: () => reader.cancel(),
  };
}

/** Frees memory that nobody uses any more: now, where the platform can, instead of at the next garbage collection. */
export function release(buffer: ArrayBuffer & { transfer?(length: number): ArrayBuffer }): void {
  buffer.transfer?.(0);
}
