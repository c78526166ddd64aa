/**
 * The classes and functions that PyTorch's files mention, and what each stands for here: none of it runs code, all of it
 * describes tensors and plain data. What a checkpoint mentions besides stays closed.
 */
import { ViTError } from '../../error.ts';
import { Global, Opaque, Plain, type Value } from '../pickle/values.ts';
import type { View } from '../strided.ts';

/** A run of elements in a file of its own within the archive; several tensors may share one. */
export class TorchStorage extends Opaque {
  readonly kind = 'storage';
  /** Its file's name below `data/`. */
  readonly key: string;
  readonly dtype: string;
  /** Elements. */
  readonly length: number;

  constructor(key: string, dtype: string, length: number) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.length = length;
  }
}

export class TorchTensor extends Opaque {
  readonly kind = 'tensor';
  readonly storage: TorchStorage;
  readonly view: View;

  constructor(storage: TorchStorage, view: View) {
    super();
    this.storage = storage;
    this.view = view;
  }
}

/** torch/storage.py: typed storages, as the files name them in every version. */
const STORAGES: Record<string, string> = {
  DoubleStorage: 'f64',
  FloatStorage: 'f32',
  HalfStorage: 'f16',
  BFloat16Storage: 'bf16',
  LongStorage: 'i64',
  IntStorage: 'i32',
  ShortStorage: 'i16',
  CharStorage: 'i8',
  ByteStorage: 'u8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'c64',
  ComplexDoubleStorage: 'c128',
};

const DTYPES = new Set(
  (
    'float16 float32 float64 bfloat16 half float double int8 int16 int32 int64 short int long uint8 bool ' +
    'complex64 complex128'
  ).split(' '),
);

/** Plain data: an object whose attributes are kept. */
const PLAIN = new Set(['argparse.Namespace']);

/** What makes a list or a dict of its one argument. */
const CONTAINERS: Record<string, (args: Value[]) => Value> = {
  'collections.OrderedDict': (args) => dictOf(args[0]),
  'torch.Size': (args) => args[0] ?? [],
  'builtins.set': (args) => args[0] ?? [],
  'builtins.frozenset': (args) => args[0] ?? [],
  '__builtin__.set': (args) => args[0] ?? [],
  '__builtin__.frozenset': (args) => args[0] ?? [],
  'torch.device': (args) => args.join(':'),
  'collections.defaultdict': () => new Map(),
};

/** How TorchScript's files say list and dict (torch/jit/_pickle.py); the second argument of a tag is its type. */
const TORCHSCRIPT: Record<string, (args: Value[]) => Value> = {
  'torch.jit._pickle.build_intlist': (args) => args[0],
  'torch.jit._pickle.build_doublelist': (args) => args[0],
  'torch.jit._pickle.build_boollist': (args) => args[0],
  'torch.jit._pickle.build_tensorlist': (args) => args[0],
  'torch.jit._pickle.restore_type_tag': (args) => args[0],
};

const TENSORS: Record<string, (args: Value[]) => Value> = {
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_parameter': ([data]) => data,
  'torch._utils._rebuild_parameter_with_state': ([data]) => data,
  'torch._tensor._rebuild_from_type_v2': rebuildFromType,
  'torch.nn.parameter.Parameter': ([data]) => data,
};

const MENTIONED = new Set(['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer']);

/** @param isTorchScript whether classes below `__torch__` are the archive's own modules, whose attributes are data */
export function torchGlobal(module: string, name: string, isTorchScript: boolean): Global | undefined {
  const full = `${module}.${name}`;
  const make = own(CONTAINERS, full) ?? own(TENSORS, full) ?? (isTorchScript ? own(TORCHSCRIPT, full) : undefined);
  if (make) return new Global(full, make);
  if (PLAIN.has(full) || (isTorchScript && module.startsWith('__torch__'))) {
    return new Global(full, () => new Plain(full));
  }
  const isNamed = module === 'torch' && (DTYPES.has(name) || Object.hasOwn(STORAGES, name));
  return isNamed || MENTIONED.has(full) ? new Global(full) : undefined;
}

/** `('storage', type, key, device, elements)` */
export function storageOf(id: Value): TorchStorage {
  if (!Array.isArray(id) || id[0] !== 'storage') throw broken('a persistent id is no storage');
  const [, type, key, , length] = id;
  const dtype = type instanceof Global ? own(STORAGES, type.name.replace(/^torch\./, '')) : undefined;
  if (!dtype) throw broken('a storage has no type');
  if (typeof key !== 'string') throw broken('a storage has no name');
  if (!isCount(length)) throw broken(`storage ${key} has ${String(length)} elements`);
  return new TorchStorage(key, dtype, length);
}

/** (storage, offset, shape, strides, requires_grad, hooks, …), as torch/_utils.py has it. */
function rebuildTensor([storage, offset, shape, strides]: Value[]): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw broken('a tensor has no storage');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw broken(`a tensor in storage ${storage.key} has no proper shape and strides`);
  }
  return new TorchTensor(storage, { offset, shape, strides });
}

/** (function, class, its arguments, attributes): a tensor with attributes of its own, which are left out. */
function rebuildFromType([make, , args]: Value[]): Value {
  if (!(make instanceof Global) || !make.make || !Array.isArray(args)) throw broken('a tensor cannot be made');
  return make.make(args);
}

/** Of the pairs that OrderedDict may be given. */
function dictOf(pairs: Value | undefined): Value {
  const dict = new Map<Value, Value>();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) throw broken('an OrderedDict is made of what is no list');
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw broken('an OrderedDict is made of what are no pairs');
    dict.set(pair[0], pair[1]);
  }
  return dict;
}

/** More axes than tensors have: PyTorch itself takes 64 at most. */
const MOST_AXES = 64;

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount);
}

function isCount(value: Value | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function own<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function broken(what: string): ViTError {
  return new ViTError('bad-input', `Not a readable PyTorch file: ${what}.`);
}
