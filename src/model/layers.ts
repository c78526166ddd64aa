/**
 * What the layers of a block may be, of pictures and of texts.
 */

export const ACTIVATIONS = ['gelu', 'gelu_tanh', 'quick_gelu', 'relu'] as const;

/** `gelu` is the exact one (erf); `quick_gelu` is OpenAI's `x * sigmoid(1.702 x)`. */
export type Activation = (typeof ACTIVATIONS)[number];

export const MLPS = ['plain', 'swiglu'] as const;

/** `plain`: fc2(activation(fc1(x))). `swiglu`: fc2(silu(gate) * up), with gate and up the halves of fc1(x). */
export type Mlp = (typeof MLPS)[number];

export const NORMS = ['layer', 'rms'] as const;

/** `layer`: (x - mean) / sqrt(variance + epsilon) * weight + bias. `rms`: x / sqrt(mean of x² + epsilon) * weight. */
export type Norm = (typeof NORMS)[number];

export const NORM_ORDERS = ['first', 'last', 'branch'] as const;

/** `first` (pre-norm): x += f(norm(x)). `last` (post-norm): x = norm(x + f(x)). `branch`: x += norm(f(x)). */
export type NormOrder = (typeof NORM_ORDERS)[number];
