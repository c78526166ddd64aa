/**
 * A part as a Parquet file, and back. The bytes follow from the part alone.
 */
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { ViTError } from '../error.ts';
import { type ClassifyRow, type EmbedRow, KEYS, type Part, type PartInfo, SCHEMAS, type Task } from './schema.ts';

export function encodePart({ task, info, rows }: Part): Uint8Array<ArrayBuffer> {
  const columns = task === 'embed' ? embedColumns(rows) : classifyColumns(rows);
  const metadata = { task, ...info };
  return new Uint8Array(
    parquetWriteBuffer({
      schema: SCHEMAS[task],
      columnData: columns,
      // Vectors hardly get smaller.
      codec: 'UNCOMPRESSED',
      statistics: false,
      rowGroupSize: Math.max(1, rows.length),
      kvMetadata: Object.entries(KEYS)
        .filter(([name]) => (metadata[name as keyof typeof metadata] ?? null) !== null)
        .map(([name, key]) => ({ key, value: String(metadata[name as keyof typeof metadata]) })),
      createdBy: 'vit-webgpu',
    }),
  );
}

const column = (name: string, data: unknown[]): ColumnSource => ({ name, data, encoding: 'PLAIN' });

/** The writer takes plain arrays alone. */
const listOrNull = (values: Float32Array | null) => values && Array.from(values);

function embedColumns(rows: EmbedRow[]): ColumnSource[] {
  return [
    column(
      'id',
      rows.map(({ id }) => id),
    ),
    column(
      'vector',
      rows.map(({ vector }) => listOrNull(vector)),
    ),
    column(
      'error',
      rows.map(({ error }) => error),
    ),
  ];
}

function classifyColumns(rows: ClassifyRow[]): ColumnSource[] {
  return [
    column(
      'id',
      rows.map(({ id }) => id),
    ),
    // A few words, many times: a dictionary of them.
    { name: 'labels', data: rows.map(({ labels }) => labels) },
    column(
      'scores',
      rows.map(({ scores }) => listOrNull(scores)),
    ),
    column(
      'sure',
      rows.map(({ sure }) => sure),
    ),
    column(
      'error',
      rows.map(({ error }) => error),
    ),
  ];
}

/**
 * @param name of the file, for messages
 * @throws ViTError `bad-input` for what is no part of this library's
 */
export async function decodePart(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Part> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { metadata, task, info } = openPart(file, name);
  try {
    const rows = await parquetReadObjects({ file, metadata });
    const floats = (values?: number[] | null) => (values ? Float32Array.from(values) : null);
    return task === 'embed'
      ? { task, info, rows: rows.map(({ id, vector, error }) => ({ id, vector: floats(vector), error })) }
      : {
          task,
          info,
          rows: rows.map(({ id, labels, scores, sure, error }) => ({
            id,
            labels: labels ?? null,
            scores: floats(scores),
            sure: sure ?? null,
            error,
          })),
        };
  } catch (cause) {
    throw broken(name, (cause as Error).message, cause);
  }
}

function openPart(file: ArrayBuffer, path: string): { metadata: FileMetaData; task: Task; info: PartInfo } {
  let metadata: FileMetaData;
  try {
    metadata = parquetMetadata(file);
  } catch (cause) {
    throw broken(path, (cause as Error).message, cause);
  }
  const values = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]));
  const task = values.get(KEYS.task);
  const [part, parts] = [Number(values.get(KEYS.part)), Number(values.get(KEYS.parts))];
  const [model, list] = [values.get(KEYS.model), values.get(KEYS.list)];
  if (!model || !list || !(part < parts) || (task !== 'embed' && task !== 'classify'))
    throw broken(path, `its metadata lacks ${KEYS.task}, ${KEYS.model} and others`);
  const dimension = values.has(KEYS.dimension) ? Number(values.get(KEYS.dimension)) : null;
  const checkpoint = values.get(KEYS.checkpoint);
  const name = values.get(KEYS.name) ?? '';
  return { metadata, task, info: { model, ...(checkpoint && { checkpoint }), name, dimension, list, part, parts } };
}

function broken(name: string, why: string, cause?: unknown): ViTError {
  return new ViTError('bad-input', `${name} is no output of vit-webgpu embed or classify: ${why}.`, { cause });
}
