/**
 * The authors' own files of DINO (facebookresearch/dino, vision_transformer.py) and DINOv2 (facebookresearch/dinov2,
 * dinov2/models/vision_transformer.py). Their names are timm's, but they resample positions in a way of their own: with
 * scale (n + 0.1) / old; DINOv2's models with registers with antialias.
 *
 * DINOv2's training keeps blocks in chunks, `blocks.{chunk}.{block}`, where blocks are numbered throughout.
 */
import type { Family, Rule } from './family.ts';
import { timm } from './timm.ts';
import { renamed } from './transforms.ts';

/** The name in files of models, and that in files of training. */
const either = (name: string) => `blocks.#.${name}|blocks.%.#.${name}`;

const BLOCK: [to: string, from: string][] = [
  ['norm1.*', 'norm1.*'],
  ['attn.qkv.*', 'attn.qkv.*'],
  ['attn.proj.*', 'attn.proj.*'],
  ['ls1.gamma', 'ls1.gamma'],
  ['norm2.*', 'norm2.*'],
  ['mlp.fc1.*', 'mlp.fc1.*'],
  ['mlp.fc2.*', 'mlp.fc2.*'],
  ['mlp.fc1.*', 'mlp.w12.*'],
  ['mlp.fc2.*', 'mlp.w3.*'],
  ['ls2.gamma', 'ls2.gamma'],
];

const RULES: Rule[] = [
  renamed('cls_token', 'cls_token'),
  renamed('reg_token', 'register_tokens'),
  renamed('pos_embed', 'pos_embed'),
  renamed('patch_embed.proj.*', 'patch_embed.proj.*'),
  ...BLOCK.flatMap(([to, from]) => [
    renamed(`blocks.#.${to}`, `blocks.#.${from}`),
    renamed(`blocks.#.${to}`, `blocks.%.#.${from}`),
  ]),
  renamed('norm.*', 'norm.*'),
];

const CONVENTIONS: Family['conventions'] = {
  epsilon: 1e-6,
  activation: 'gelu',
  normOrder: 'first',
  positionResampling: 'bicubic-offset',
};

export const dinov2: Family = {
  layout: 'dino',
  title: 'DINOv2 ViT',
  prefixes: [''],
  signature: [
    'patch_embed.proj.weight',
    either('attn.qkv.weight'),
    either('ls1.gamma'),
    // timm has neither: it drops the one and calls the other reg_token.
    'mask_token|register_tokens',
  ],
  rules: RULES,
  unsupported: {},
  ignored: { mask_token: 'only training uses it' },
  conventions: CONVENTIONS,
};

export const dinov2Registers: Family = {
  ...dinov2,
  title: 'DINOv2 ViT with registers',
  signature: [...dinov2.signature, 'register_tokens'],
  conventions: { ...CONVENTIONS, positionResampling: 'bicubic-antialias' },
  byShape: (tensors) => (tensors.get('register_tokens')?.shape[1] === 1 ? tips : undefined),
};

/**
 * TIPS and TIPS v2 (google-deepmind/tips, pytorch/image_encoder.py): a DINOv2 whose one register is a second class token, and which
 * resamples its positions bilinearly.
 */
export const tips: Family = {
  ...dinov2Registers,
  layout: 'tips',
  title: 'TIPS',
  conventions: { ...CONVENTIONS, positionResampling: 'bilinear-antialias' },
};

/** Of both, with the linear layer that classifies the class token and the mean of the patches. */
function classifying(family: Family): Family {
  return {
    ...family,
    title: `${family.title} with a classifier`,
    prefixes: ['backbone.'],
    signature: [...family.signature, 'linear_head.weight'],
    rules: [...family.rules, renamed('head.*', 'linear_head.*')],
  };
}

export const dinov2Classifier = classifying(dinov2);
export const dinov2RegistersClassifier = classifying(dinov2Registers);

/** Names that are timm's throughout. */
export const dino: Family = {
  ...timm,
  layout: 'dino',
  title: 'DINO ViT',
  within: /(^|\.)(teacher|student)\.(module\.)?backbone\.$/,
  conventions: CONVENTIONS,
  withoutConfig: undefined,
  exceptions: undefined,
};
