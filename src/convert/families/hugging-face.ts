/**
 * Hugging Face's ViT and DeiT (transformers/models/vit/modeling_vit.py, deit/modeling_deit.py), with the names on disk
 * and with those that version 5 gives the same modules in memory.
 *
 * No epsilon and no activation by convention: ViT and ViT-MSN have the same names and different epsilons, so config.json
 * must say.
 */
import type { Family } from './family.ts';
import { renamed, stacked } from './transforms.ts';

/** On disk, in every version. */
const DISK = 'encoder.layer.#';
/** `torch.save(model.state_dict())` under version 5. */
const MEMORY = 'layers.#';

export const huggingFace: Family = {
  layout: 'hf',
  title: 'Hugging Face ViT',
  prefixes: ['', 'vit.', 'deit.'],
  signature: ['embeddings.patch_embeddings.projection.weight', 'embeddings.cls_token'],
  models: {
    ViTModel: [],
    ViTForImageClassification: ['head'],
    DeiTModel: [],
    DeiTForImageClassification: ['head'],
    DeiTForImageClassificationWithTeacher: ['head', 'teacher'],
    ViTMSNModel: [],
    ViTMSNForImageClassification: ['head'],
    // Of its encoder: all patches are shown.
    ViTMAEModel: [],
  },
  rules: [
    renamed('cls_token', 'embeddings.cls_token'),
    renamed('dist_token', 'embeddings.distillation_token'),
    renamed('pos_embed', 'embeddings.position_embeddings'),
    renamed('patch_embed.proj.*', 'embeddings.patch_embeddings.projection.*'),

    renamed('blocks.#.norm1.*', `${DISK}.layernorm_before.*`),
    stacked(
      'blocks.#.attn.qkv.*',
      `${DISK}.attention.attention.query.*`,
      `${DISK}.attention.attention.key.*`,
      `${DISK}.attention.attention.value.*`,
    ),
    renamed('blocks.#.attn.proj.*', `${DISK}.attention.output.dense.*`),
    renamed('blocks.#.norm2.*', `${DISK}.layernorm_after.*`),
    renamed('blocks.#.mlp.fc1.*', `${DISK}.intermediate.dense.*`),
    renamed('blocks.#.mlp.fc2.*', `${DISK}.output.dense.*`),

    renamed('blocks.#.norm1.*', `${MEMORY}.layernorm_before.*`),
    stacked(
      'blocks.#.attn.qkv.*',
      `${MEMORY}.attention.q_proj.*`,
      `${MEMORY}.attention.k_proj.*`,
      `${MEMORY}.attention.v_proj.*`,
    ),
    renamed('blocks.#.attn.proj.*', `${MEMORY}.attention.o_proj.*`),
    renamed('blocks.#.norm2.*', `${MEMORY}.layernorm_after.*`),
    renamed('blocks.#.mlp.fc1.*', `${MEMORY}.mlp.fc1.*`),
    renamed('blocks.#.mlp.fc2.*', `${MEMORY}.mlp.fc2.*`),

    renamed('norm.*', 'layernorm.*'),
    renamed('pre_logits.fc.*', 'pooler.dense.*'),
    renamed('head.*', 'classifier.*'),
    renamed('head.*', 'cls_classifier.*'),
    renamed('head_dist.*', 'distillation_classifier.*'),
  ],
  unsupported: {},
  ignored: {
    'embeddings.mask_token': 'only training uses it',
    'pooler.dense.*': { why: 'the classifier does not use it', beside: 'classifier.weight' },
  },
  conventions: { normOrder: 'first', pooling: 'class', positionResampling: 'bicubic' },
};

/** I-JEPA (transformers/models/ijepa/modeling_ijepa.py): ViT without a class token, whose tokens are all averaged. */
export const huggingFaceIjepa: Family = {
  ...huggingFace,
  title: 'Hugging Face I-JEPA',
  prefixes: ['', 'ijepa.'],
  signature: [
    'embeddings.patch_embeddings.projection.weight',
    'embeddings.position_embeddings',
    `${DISK}.layernorm_before.weight|${MEMORY}.layernorm_before.weight`,
  ],
  models: { IJepaModel: [], IJepaForImageClassification: ['head'] },
  conventions: { ...huggingFace.conventions, pooling: 'all' },
};
