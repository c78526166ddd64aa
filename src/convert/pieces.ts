/**
 * A stream, piece by piece, also where streams cannot be iterated (Safari).
 */
export async function* piecesOf<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * What is given away from within a call, one thing after another as each is asked for.
 * @param pour gives things, and goes on with each when it was taken
 */
export async function* drawn<T>(pour: (give: (thing: T) => Promise<void>) => Promise<void>): AsyncGenerator<T> {
  const { readable, writable } = new TransformStream<T, T>();
  const writer = writable.getWriter();
  pour((thing) => writer.write(thing))
    .then(
      () => writer.close(),
      (error) => writer.abort(error),
    )
    .catch(() => {});
  yield* piecesOf(readable);
}
