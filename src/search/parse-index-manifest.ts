/**
 * From the JSON of an `index.json` to an `IndexManifest` that everything after may trust: every field is there and of its type, sizes
 * follow from one another, and no file name leaves the index's folder.
 */
import { ViTError } from '../error.ts';
import { Field } from '../weights/field.ts';
import { parseFile, parseHash } from '../weights/parse-file.ts';
import {
  DTYPES,
  FORMAT,
  type IndexManifest,
  type IndexModel,
  type IndexShard,
  MAX_SHARD_BYTES,
  rowBytes,
  VERSION,
} from './index-manifest.ts';

/** Of any model: the largest ones have a few thousand. */
const MAX_DIMENSION = 2 ** 16;

/**
 * @param where names the manifest in messages: its address
 * @throws ViTError `bad-manifest` naming the field
 */
export function parseIndexManifest(json: unknown, where: string): IndexManifest {
  const field = new Field(json, where, '');
  if (field.get('format').value !== FORMAT) field.fail(`is no index: its "format" is not "${FORMAT}"`);
  const version = field.get('version').value;
  if (version !== VERSION) {
    const problem = `${where} is of format version ${version}; this library reads version ${VERSION}.`;
    throw new ViTError('bad-manifest', `${problem} Make the index again.`);
  }
  const layout = {
    dimension: field.get('dimension').integer(1, MAX_DIMENSION),
    dtype: field.get('dtype').oneOf(DTYPES),
  };
  const rows = field.get('rows').integer(0);
  const shards = field.get('shards').list((shard) => parseShard(shard, rowBytes(layout)));
  const held = shards.reduce((sum, shard) => sum + shard.rows, 0);
  if (held !== rows) field.get('rows').fail(`is ${rows}; the shards hold ${held}`);
  return { format: FORMAT, version: VERSION, model: parseModel(field.get('model')), ...layout, rows, shards };
}

function parseModel(field: Field): IndexModel {
  const hash = (name: string) => field.get(name).nullable(parseHash);
  return { name: field.get('name').string(), sha256: hash('sha256'), manifest: hash('manifest') };
}

function parseShard(field: Field, bytesOfRow: number): IndexShard {
  const rows = field.get('rows').integer(1);
  const [vectors, ids] = (['vectors', 'ids'] as const).map((name) => {
    const file = parseFile(field.get(name));
    if (file.bytes > MAX_SHARD_BYTES) field.get(name).get('bytes').fail(`is above ${MAX_SHARD_BYTES}`);
    return file;
  });
  if (vectors.bytes !== rows * bytesOfRow) {
    field
      .get('vectors')
      .get('bytes')
      .fail(`is ${vectors.bytes}; ${rows} rows of ${bytesOfRow} bytes take another number`);
  }
  return { rows, vectors, ids };
}
