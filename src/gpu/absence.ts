/**
 * Why there is no WebGPU, or no adapter of it, and what to do about it, in a sentence for people. A page is only blamed for
 * being insecure where it is.
 */
export function whyNoWebGpu(): string {
  const { isSecureContext, navigator } = globalThis;
  const agent = navigator?.userAgent ?? '';
  const onLinux = /Linux|X11/.test(agent) && !/Android/.test(agent);
  if (!navigator?.gpu) {
    // Outside a browser nothing is secure or insecure.
    if (isSecureContext === undefined) return 'There is no WebGPU outside a browser.';
    if (!isSecureContext) return 'WebGPU is only given to secure pages: over https or on localhost.';
  }
  if (onLinux && /Firefox/.test(agent)) {
    return 'Firefox on Linux needs dom.webgpu.enabled and gfx.webgpu.ignore-blocklist in about:config.';
  }
  if (navigator?.gpu) {
    return 'The browser found no GPU it can use. Update the graphics driver, or turn on hardware acceleration.';
  }
  if (onLinux && !/Chrom/.test(agent)) return 'WebKit has no WebGPU on Linux. Chrome has.';
  return 'This browser has no WebGPU. Current versions of Chrome, Edge, Safari and Firefox have it.';
}
