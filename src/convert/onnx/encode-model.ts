/**
 * The bytes of an ONNX file. Only the messages and fields that a network needs, by their public field numbers
 * (onnx.proto of ONNX 1.13, IR version 8); protobuf's own encoding is a library's.
 *
 * A message is a list of pieces, so that weights are neither copied nor joined: a file may be larger than what one
 * typed array should hold.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ViTError } from '../../error.ts';
import type { Attribute, OnnxConstant, OnnxGraph, OnnxNode, OnnxValue } from './graph.ts';

export type Pieces = Uint8Array<ArrayBuffer>[];

/** LayerNormalization is new in it; every runtime of the last years reads it. */
const OPSET = 17;
const IR_VERSION = 8;
const FLOAT = 1;
const INT64 = 7;

/** Protobuf's own limit of a message. */
const MAX_BYTES = 2 ** 31 - 1;

/** @throws ViTError `unsupported-model` when the file would be larger than protobuf allows, which is 2 GiB */
export function encodeModel(graph: OnnxGraph, name: string): Pieces {
  const model = [
    integer(1, IR_VERSION),
    text(2, 'vit-webgpu'),
    embedded(7, [
      ...graph.nodes.map((node) => embedded(1, encodeNode(node))),
      text(2, name),
      ...graph.constants.map((constant) => embedded(5, encodeConstant(constant))),
      ...graph.inputs.map((input) => embedded(11, encodeValue(input))),
      ...graph.outputs.map((output) => embedded(12, encodeValue(output))),
    ]),
    embedded(8, [text(1, ''), integer(2, OPSET)]),
  ].flat();
  if (byteLength(model) > MAX_BYTES) {
    throw new ViTError(
      'unsupported-model',
      `${name} has ${byteLength(model)} bytes; an ONNX file holds 2 GiB at most.`,
    );
  }
  return model;
}

function encodeNode({ name, type, inputs, outputs, attributes }: OnnxNode): Pieces[] {
  return [
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, name),
    text(4, type),
    ...Object.entries(attributes).map(([key, value]) => embedded(5, encodeAttribute(key, value))),
  ];
}

function encodeAttribute(name: string, value: Attribute): Pieces[] {
  if (Array.isArray(value)) return [text(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)];
  if (typeof value === 'object') return [text(1, name), float(2, value.float), integer(20, 1)];
  return [text(1, name), integer(3, value), integer(20, 2)];
}

/** The numbers as they lie in memory: little-endian, as ONNX wants them and as every machine is that runs this. */
function encodeConstant({ name, shape, data }: OnnxConstant): Pieces[] {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [
    ...shape.map((size) => integer(1, size)),
    integer(2, data instanceof Float32Array ? FLOAT : INT64),
    text(8, name),
    embedded(9, [[bytes]]),
  ];
}

function encodeValue({ name, shape, integers = false }: OnnxValue): Pieces[] {
  const dimensions = shape.map((size) => embedded(1, [typeof size === 'number' ? integer(1, size) : text(2, size)]));
  return [text(1, name), embedded(2, [embedded(1, [integer(1, integers ? INT64 : FLOAT), embedded(2, dimensions)])])];
}

function text(field: number, value: string): Pieces {
  return [new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish()];
}

function integer(field: number, value: number): Pieces {
  return [new BinaryWriter().tag(field, WireType.Varint).int64(value).finish()];
}

function float(field: number, value: number): Pieces {
  return [new BinaryWriter().tag(field, WireType.Bit32).float(value).finish()];
}

function embedded(field: number, content: Pieces[]): Pieces {
  const pieces = content.flat();
  const header = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(byteLength(pieces)).finish();
  return [header, ...pieces];
}

export function byteLength(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
