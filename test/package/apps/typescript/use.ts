import { type Classification, type EngineEvent, loadViT, ViTError } from 'vit-webgpu';
import { type Match, openIndex } from 'vit-webgpu/search';

const vit = await loadViT('model.json', { powerPreference: 'low-power', onEvent: ({ type }: EngineEvent) => type });
const [best]: Classification[] = await vit.classify(new Blob());
if (best.score > 1) throw new ViTError('numeric', 'no');
const index = await openIndex('index', { model: vit.info, onProgress: ({ loaded, total }) => loaded / total });
const matches: Match[] = await index.search(await vit.embed(new Blob()), { k: 5 });
if (matches[0].score > 1) throw new ViTError('numeric', matches[0].id);
