/**
 * Activations as ONNX nodes, in the forms that PyTorch's exporter writes and runtimes recognise.
 */
import type { Activation } from '../../model/layers.ts';
import type { OnnxGraph } from './graph.ts';

/** @returns the name of the result, which is `name` */
type Activate = (graph: OnnxGraph, name: string, x: string) => string;

export const ACTIVATE: Record<Activation | 'tanh' | 'swiglu', Activate> = {
  gelu(graph, name, x) {
    const unit = graph.node(`${name}/unit`, 'Div', [x, graph.scalar(Math.SQRT2)]);
    const erf = graph.node(`${name}/erf`, 'Erf', [unit]);
    const shifted = graph.node(`${name}/shifted`, 'Add', [erf, graph.scalar(1)]);
    const product = graph.node(`${name}/product`, 'Mul', [x, shifted]);
    return graph.node(name, 'Mul', [product, graph.scalar(0.5)]);
  },

  gelu_tanh(graph, name, x) {
    const cube = graph.node(`${name}/cube`, 'Pow', [x, graph.scalar(3)]);
    const scaled = graph.node(`${name}/scaled`, 'Mul', [cube, graph.scalar(0.044715)]);
    const sum = graph.node(`${name}/sum`, 'Add', [x, scaled]);
    const argument = graph.node(`${name}/argument`, 'Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))]);
    const tanh = graph.node(`${name}/tanh`, 'Tanh', [argument]);
    const shifted = graph.node(`${name}/shifted`, 'Add', [tanh, graph.scalar(1)]);
    const product = graph.node(`${name}/product`, 'Mul', [x, shifted]);
    return graph.node(name, 'Mul', [product, graph.scalar(0.5)]);
  },

  quick_gelu(graph, name, x) {
    const scaled = graph.node(`${name}/scaled`, 'Mul', [x, graph.scalar(1.702)]);
    const sigmoid = graph.node(`${name}/sigmoid`, 'Sigmoid', [scaled]);
    return graph.node(name, 'Mul', [x, sigmoid]);
  },

  relu: (graph, name, x) => graph.node(name, 'Relu', [x]),

  tanh: (graph, name, x) => graph.node(name, 'Tanh', [x]),

  /** silu(first half) * second half. */
  swiglu(graph, name, x) {
    const [gate, up] = graph.nodeWithOutputs(`${name}/halves`, 'Split', [x], 2, { axis: -1 });
    const sigmoid = graph.node(`${name}/sigmoid`, 'Sigmoid', [gate]);
    const silu = graph.node(`${name}/silu`, 'Mul', [gate, sigmoid]);
    return graph.node(name, 'Mul', [silu, up]);
  },
};
