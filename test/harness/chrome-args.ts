/**
 * How tests start Chrome: headless, with WebGPU on whatever adapter there is, and without any request of its own.
 * A machine with a GPU uses it when `VIT_ADAPTER=gpu` is set; elsewhere SwiftShader computes on the processor.
 */
export const CHROME_ARGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  ...(process.env.VIT_ADAPTER === 'gpu' ? [] : ['--use-webgpu-adapter=swiftshader']),
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
];
