/**
 * Hugging Face's CLIP and SigLIP (transformers/models/clip/modeling_clip.py, siglip/modeling_siglip.py): the image's
 * tower alone, or both.
 */
import type { Family, Rule } from './family.ts';
import { asTokens, patchProjection, renamed, stacked, thirds } from './transforms.ts';

/** The blocks of either tower. */
function blocks(to: string, from: string): Rule[] {
  return [
    renamed(`${to}.#.norm1.*`, `${from}.#.layer_norm1.*`),
    stacked(
      `${to}.#.attn.qkv.*`,
      `${from}.#.self_attn.q_proj.*`,
      `${from}.#.self_attn.k_proj.*`,
      `${from}.#.self_attn.v_proj.*`,
    ),
    renamed(`${to}.#.attn.proj.*`, `${from}.#.self_attn.out_proj.*`),
    renamed(`${to}.#.norm2.*`, `${from}.#.layer_norm2.*`),
    renamed(`${to}.#.mlp.fc1.*`, `${from}.#.mlp.fc1.*`),
    renamed(`${to}.#.mlp.fc2.*`, `${from}.#.mlp.fc2.*`),
  ];
}

const IMAGE: Rule[] = [
  renamed('patch_embed.proj.*', 'embeddings.patch_embedding.*'),
  asTokens('pos_embed', 'embeddings.position_embedding.weight'),
  ...blocks('blocks', 'encoder.layers'),
  renamed('head.*', 'classifier.*'),
];

const TEXT: Rule[] = [
  renamed('text.token_embed.weight', 'text_model.embeddings.token_embedding.weight'),
  renamed('text.pos_embed', 'text_model.embeddings.position_embedding.weight'),
  ...blocks('text.blocks', 'text_model.encoder.layers'),
  renamed('text.norm.*', 'text_model.final_layer_norm.*'),
  renamed('logit_scale', 'logit_scale'),
  renamed('logit_bias', 'logit_bias'),
];

const POSITION_IDS = {
  'embeddings.position_ids': 'they are 0, 1, 2, …',
  'text_model.embeddings.position_ids': 'they are 0, 1, 2, …',
};

const CLIP_IMAGE: Rule[] = [
  asTokens('cls_token', 'embeddings.class_embedding'),
  renamed('norm_pre.*', 'pre_layrnorm.*'), // spelled so
  ...IMAGE,
];

export const huggingFaceClip: Family = {
  layout: 'hf',
  title: 'Hugging Face CLIP',
  prefixes: ['vision_model.', ''],
  signature: ['embeddings.class_embedding', 'pre_layrnorm.weight'],
  models: {
    CLIPModel: ['projection', 'text'],
    CLIPVisionModel: [],
    CLIPVisionModelWithProjection: ['projection'],
    MetaClip2Model: ['projection', 'text'],
    MetaClip2VisionModel: [],
    MetaClip2VisionModelWithProjection: ['projection'],
  },
  rules: [
    ...CLIP_IMAGE,
    // Of the class token alone; the others stay as they are.
    renamed('fc_norm.*', 'post_layernorm.*'),
    renamed('projection.*', 'visual_projection.*'),
    ...TEXT,
    renamed('text.projection.*', 'text_projection.*'),
  ],
  unsupported: {},
  ignored: POSITION_IDS,
  conventions: { epsilon: 1e-5, normOrder: 'first', pooling: 'class', positionResampling: 'bicubic' },
};

/** `CLIPForImageClassification`: its classifier reads the mean of the patches, before any norm. */
export const huggingFaceClipClassifier: Family = {
  ...huggingFaceClip,
  title: 'Hugging Face CLIP with a classifier',
  signature: [...huggingFaceClip.signature, 'classifier.weight'],
  models: { CLIPForImageClassification: ['head'], MetaClip2ForImageClassification: ['head'] },
  rules: CLIP_IMAGE,
  ignored: { ...POSITION_IDS, 'post_layernorm.*': 'the classifier does not use it' },
  conventions: { ...huggingFaceClip.conventions, pooling: 'patches', finalNorm: 'none' },
};

export const huggingFaceSiglip: Family = {
  layout: 'hf',
  title: 'Hugging Face SigLIP',
  prefixes: ['vision_model.', ''],
  signature: ['embeddings.patch_embedding.bias', 'post_layernorm.weight'],
  models: { SiglipModel: ['text'], SiglipVisionModel: [] },
  rules: [
    ...IMAGE,
    renamed('norm.*', 'post_layernorm.*'),
    renamed('attn_pool.latent', 'head.probe'),
    thirds('attn_pool.q.weight', 'head.attention.in_proj_weight', 0, 1),
    thirds('attn_pool.q.bias', 'head.attention.in_proj_bias', 0, 1),
    thirds('attn_pool.kv.weight', 'head.attention.in_proj_weight', 1, 2),
    thirds('attn_pool.kv.bias', 'head.attention.in_proj_bias', 1, 2),
    renamed('attn_pool.proj.*', 'head.attention.out_proj.*'),
    renamed('attn_pool.norm.*', 'head.layernorm.*'),
    renamed('attn_pool.mlp.*', 'head.mlp.*'),
    ...TEXT,
    renamed('text.projection.*', 'text_model.head.*'),
  ],
  unsupported: {},
  ignored: POSITION_IDS,
  // Where nothing pools.
  conventions: {
    epsilon: 1e-6,
    activation: 'gelu_tanh',
    normOrder: 'first',
    pooling: 'none',
    positionResampling: 'bicubic',
  },
};

/**
 * SigLIP 2 for pictures of any shape (transformers/models/siglip2/modeling_siglip2.py): patches are vectors in the order row,
 * column, channel. The fixed sizes are SigLIPs.
 */
export const huggingFaceSiglip2: Family = {
  ...huggingFaceSiglip,
  title: 'Hugging Face SigLIP 2',
  models: { Siglip2Model: ['text'], Siglip2VisionModel: [] },
  rules: huggingFaceSiglip.rules.filter(({ to }) => to !== 'patch_embed.proj.*'),
  patchRules: (patchSize) => [
    patchProjection('embeddings.patch_embedding.weight', patchSize),
    renamed('patch_embed.proj.bias', 'embeddings.patch_embedding.bias'),
  ],
  needsConfig: { name: 'config', why: 'Which SigLIP it is only the config says.' },
  conventions: { ...huggingFaceSiglip.conventions, positionResampling: 'bilinear-antialias' },
};

/**
 * `SiglipForImageClassification`: its classifier reads the mean of the patches. The head that pools by attention may lie in
 * the file, from before.
 */
export const huggingFaceSiglipClassifier: Family = {
  ...huggingFaceSiglip,
  title: 'Hugging Face SigLIP with a classifier',
  signature: [...huggingFaceSiglip.signature, 'classifier.weight'],
  models: { SiglipForImageClassification: ['head'] },
  rules: [...IMAGE, renamed('norm.*', 'post_layernorm.*')],
  ignored: { ...POSITION_IDS, 'head.*': 'the classifier does not use it' },
  conventions: { ...huggingFaceSiglip.conventions, pooling: 'patches' },
};
