/**
 * From the tree of dicts, lists and objects that a file holds to one list of named tensors: the keys on the way, joined
 * by dots, as PyTorch names parameters. Whatever is no tensor is left out, objects of Python code among it.
 */
import { ViTError } from '../../error.ts';
import { pythonCode } from '../pickle/unpickle.ts';
import { Plain, Unknown, type Value } from '../pickle/values.ts';
import { TorchTensor } from './globals.ts';

/** Real files: a checkpoint within a checkpoint, or the modules of a model, which nest some ten deep. */
const DEEPEST = 100;
/** Containers may be shared, so that a small file can be an endless tree. */
const MOST_VISITS = 2_000_000;

/**
 * @param where names the pickle in messages
 * @throws ViTError `bad-input` when there are no tensors or when the tree does not end; `unsupported-model` when there are
 *   none but what Python code may hold
 */
export function flatten(root: Value, where: string): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  let visits = 0;
  let unknown: Unknown | undefined;

  const visit = (value: Value, path: string, depth: number): void => {
    if (++visits > MOST_VISITS)
      throw broken(`it holds more than ${MOST_VISITS} values, counting shared ones each time`);
    if (value instanceof TorchTensor) {
      if (tensors.has(path)) throw broken(`two tensors are called ${path}`);
      tensors.set(path, value);
      return;
    }
    if (value instanceof Unknown) unknown ??= value;
    const children = childrenOf(value);
    if (!children) return;
    if (depth === DEEPEST) throw broken(`${path.slice(0, 80)}… nests more than ${DEEPEST} deep`);
    for (const [key, child] of children) {
      // Numbers as keys are those of blocks in a ModuleList and of parameters in an optimizer.
      if (typeof key === 'string' || typeof key === 'number')
        visit(child, path ? `${path}.${key}` : `${key}`, depth + 1);
    }
  };

  if (root instanceof TorchTensor) throw broken('it holds one tensor without a name, which is no model');
  visit(root, '', 0);
  if (tensors.size === 0) throw unknown ? pythonCode(unknown, where) : broken('it holds no tensors');
  return tensors;
}

function childrenOf(value: Value): Iterable<[Value, Value]> | undefined {
  if (value instanceof Map) return value;
  if (value instanceof Plain) return value.attributes;
  return Array.isArray(value) ? value.entries() : undefined;
}

function broken(what: string): ViTError {
  return new ViTError('bad-input', `Not a readable PyTorch file: ${what}.`);
}
