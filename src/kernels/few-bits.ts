/**
 * Shaders that widen weights of 8 or 4 bits as they are loaded: each gives every way to split a product another `weight_block`.
 */
import i4 from '../../shaders/matmul.i4.wgsl?raw';
import i8 from '../../shaders/matmul.i8.wgsl?raw';

export const FEW_BIT_SHADERS = { 'matmul.i4.wgsl': i4, 'matmul.i8.wgsl': i8 } as const;

/** What they divide codes by. */
export const DIVISOR = { 8: 127, 4: 255 } as const;
