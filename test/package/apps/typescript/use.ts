import { type Classification, type EngineEvent, loadViT, ViTError } from 'vit-webgpu';

const vit = await loadViT('model.json', { powerPreference: 'low-power', onEvent: ({ type }: EngineEvent) => type });
const [best]: Classification[] = await vit.classify(new Blob());
if (best.score > 1) throw new ViTError('numeric', 'no');
