/**
 * An ONNX graph while it is written: nodes in the order of execution, constants by name. It knows no ViT.
 */

/** An integer, a list of integers, or a float, which must be distinguished from an integer. */
export type Attribute = number | number[] | { float: number };

export interface OnnxNode {
  name: string;
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface OnnxConstant {
  name: string;
  shape: number[];
  data: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

/** A tensor that goes in or comes out; a size with a name may differ from run to run. */
export interface OnnxValue {
  name: string;
  shape: (number | string)[];
  /** Of int64 instead of f32. */
  integers?: boolean;
}

export class OnnxGraph {
  readonly inputs: OnnxValue[] = [];
  readonly outputs: OnnxValue[] = [];
  nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxConstant>();

  get constants(): OnnxConstant[] {
    return [...this.#constants.values()];
  }

  /** @returns the name of what the node computes, which is its own */
  node(name: string, type: string, inputs: string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodeWithOutputs(name, type, inputs, 1, attributes)[0];
  }

  /** @returns the names of what the node computes, in order */
  nodeWithOutputs(
    name: string,
    type: string,
    inputs: string[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const outputs = count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}:${i}`);
    this.nodes.push({ name, type, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant under a name of its own, made when it is first asked for. */
  constant(name: string, make: () => Omit<OnnxConstant, 'name'>): string {
    if (!this.#constants.has(name)) this.#constants.set(name, { name, ...make() });
    return name;
  }

  /** A number. */
  scalar(value: number): string {
    return this.constant(`float:${value}`, () => ({ shape: [], data: Float32Array.of(value) }));
  }

  /** A list of integers, such as a shape. */
  integers(...values: number[]): string {
    return this.constant(`ints:${values}`, () => ({
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  }

  /** Takes away what no output depends on. */
  prune(): void {
    const needed = new Set(this.outputs.map(({ name }) => name));
    const kept: OnnxNode[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((output) => needed.has(output))) continue;
      for (const input of node.inputs) needed.add(input);
      kept.push(node);
    }
    this.nodes = kept.reverse();
    for (const name of this.#constants.keys()) if (!needed.has(name)) this.#constants.delete(name);
  }
}
