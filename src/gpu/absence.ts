/**
 * Why there is no `navigator.gpu`, and what to do about it, in a sentence for people. A page is only blamed for being
 * insecure where it is.
 */
export function whyNoWebGpu(): string {
  const { isSecureContext, navigator } = globalThis;
  // Outside a browser nothing is secure or insecure.
  if (isSecureContext === undefined) return 'There is no WebGPU outside a browser.';
  if (!isSecureContext) return 'WebGPU is only given to secure pages. Open this page over https or on localhost.';
  const agent = navigator?.userAgent ?? '';
  const onLinux = /Linux|X11/.test(agent) && !/Android/.test(agent);
  if (onLinux && /Firefox/.test(agent)) {
    return 'Firefox keeps WebGPU off on Linux: set dom.webgpu.enabled in about:config, or use Chrome.';
  }
  if (onLinux && !/Chrom/.test(agent)) return 'WebKit has no WebGPU on Linux. Chrome has.';
  return 'This browser has no WebGPU. Chrome, Edge, Safari and Firefox have it in their current versions.';
}
