/**
 * Bind groups of dispatches whose buffers may be replaced: made once, and made anew only when a buffer is.
 */

/** A buffer, or a part of one: offset and size in bytes. */
export type Operand = GPUBuffer | [GPUBuffer, number, number];

/** One per pipeline, kept until one of its buffers is replaced. */
export class BindGroups {
  readonly #groups = new Map<GPUComputePipeline, { operands: Operand[]; group: GPUBindGroup }>();

  get(device: GPUDevice, pipeline: GPUComputePipeline, operands: Operand[]): GPUBindGroup {
    const kept = this.#groups.get(pipeline);
    if (kept?.operands.every((operand, i) => bufferOf(operand) === bufferOf(operands[i]))) return kept.group;
    const group = device.createBindGroup({
      label: pipeline.label,
      layout: pipeline.getBindGroupLayout(0),
      entries: operands.map((operand, binding) => ({
        binding,
        resource: Array.isArray(operand)
          ? { buffer: operand[0], offset: operand[1], size: operand[2] }
          : { buffer: operand },
      })),
    });
    this.#groups.set(pipeline, { operands, group });
    return group;
  }
}

function bufferOf(operand: Operand): GPUBuffer {
  return Array.isArray(operand) ? operand[0] : operand;
}
