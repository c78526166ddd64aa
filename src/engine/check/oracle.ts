/**
 * What kernels are compared with, and what computes where nothing faster can: the network in float64 TypeScript. An annex: a GPU
 * that was found right before needs none of it.
 */
export { ReferenceBackend } from '../../cpu/reference-backend.ts';
export { checkEverything } from './check-everything.ts';
export { resizesRightly } from './check-picture.ts';
export { checkOnCpu } from './cpu-check.ts';
export { checkKernels } from './kernel-check.ts';
