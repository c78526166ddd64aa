export default { optimizeDeps: { exclude: ['vit-webgpu'] } };
