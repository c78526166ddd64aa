/**
 * Why there is no WebGPU, and what to do about it, in a sentence for people. A page is only blamed for being insecure where
 * it is.
 */

/** Why there is no `navigator.gpu`. */
export function whyNoWebGpu(): string {
  // Outside a browser nothing is secure or insecure.
  if (globalThis.isSecureContext === undefined) return 'There is no WebGPU outside a browser.';
  if (!globalThis.isSecureContext) {
    return 'WebGPU is only given to secure pages. Open this page over https or on localhost.';
  }
  const { isFirefox, isChrome, onLinux } = browser();
  if (onLinux && isFirefox) {
    return 'Firefox keeps WebGPU off on Linux: set dom.webgpu.enabled and gfx.webgpu.ignore-blocklist in about:config, or use Chrome.';
  }
  if (onLinux && !isChrome) return 'WebKit has no WebGPU on Linux. Chrome has.';
  return 'This browser has no WebGPU. Chrome, Edge, Safari and Firefox have it in their current versions.';
}

/** Why `navigator.gpu` has no adapter. */
export function whyNoAdapter(): string {
  const { isFirefox, onLinux } = browser();
  if (onLinux && isFirefox) {
    return 'Firefox lets WebGPU use no GPU here: set gfx.webgpu.ignore-blocklist in about:config, or use Chrome.';
  }
  return 'The browser found no GPU it can use. Update the graphics driver, or turn on hardware acceleration in its settings.';
}

function browser(): { isFirefox: boolean; isChrome: boolean; onLinux: boolean } {
  const agent = globalThis.navigator?.userAgent ?? '';
  return {
    isFirefox: /Firefox/.test(agent),
    isChrome: /Chrom/.test(agent),
    onLinux: /Linux|X11/.test(agent) && !/Android/.test(agent),
  };
}
