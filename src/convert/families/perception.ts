/**
 * Perception Encoder as its authors save it (facebookresearch/perception_models, core/vision_encoder/pe.py): CLIP's names, rotary
 * positions that go on counting at other image sizes, and attention pooling with heads of its own.
 */
import type { Family, Rule } from './family.ts';
import { image, text } from './openai-clip.ts';
import { renamed, thirds } from './transforms.ts';

/** @param module with its dot */
function pool(module: string): Rule[] {
  const pool = `${module}attn_pool`;
  return [
    renamed('attn_pool.latent', `${pool}.probe`),
    thirds('attn_pool.q.weight', `${pool}.attn.in_proj_weight`, 0, 1),
    thirds('attn_pool.q.bias', `${pool}.attn.in_proj_bias`, 0, 1),
    thirds('attn_pool.kv.weight', `${pool}.attn.in_proj_weight`, 1, 2),
    thirds('attn_pool.kv.bias', `${pool}.attn.in_proj_bias`, 1, 2),
    renamed('attn_pool.proj.*', `${pool}.attn.out_proj.*`),
    renamed('attn_pool.norm.*', `${pool}.layernorm.*`),
    renamed('attn_pool.mlp.fc1.*', `${pool}.mlp.c_fc.*`),
    renamed('attn_pool.mlp.fc2.*', `${pool}.mlp.c_proj.*`),
  ];
}

const CORE: Family = {
  layout: 'pe',
  title: 'Perception Encoder',
  prefixes: [''],
  signature: ['conv1.weight', 'ln_pre.weight', 'attn_pool.probe', 'transformer.resblocks.#.attn.in_proj_weight'],
  rules: [...image(''), ...pool('')],
  unsupported: {},
  ignored: {},
  conventions: {
    epsilon: 1e-5,
    activation: 'gelu',
    normOrder: 'first',
    positionResampling: 'bilinear',
    poolingHeads: 8,
    rotary: {
      pairs: 'neighbours',
      positions: 'counted',
      offset: 'class-token',
      bands: { base: 10_000, turns: 1, first: 'column' },
    },
  },
};

export const perception = CORE;

/** Spatial and lang: neither a last norm nor anything that pools. */
export const perceptionTokens: Family = {
  ...CORE,
  title: 'Perception Encoder without pooling',
  signature: ['conv1.weight', 'ln_pre.weight', 'positional_embedding', 'transformer.resblocks.#.attn.in_proj_weight'],
  // A CLIP has both.
  lacks: ['ln_post.*', 'proj'],
  rules: image(''),
  conventions: { ...CORE.conventions, pooling: 'none', finalNorm: 'none' },
};

/** With its text tower. */
export const perceptionClip: Family = {
  ...CORE,
  title: 'Perception Encoder with texts',
  signature: ['visual.conv1.weight', 'visual.attn_pool.probe', 'visual.transformer.resblocks.#.attn.in_proj_weight'],
  rules: [...image('visual.'), ...pool('visual.'), ...text(''), renamed('logit_scale', 'logit_scale')],
  ignored: { attn_mask: 'a text token attends to those before it' },
  text: { epsilon: 1e-5, causal: true, pooling: 'highest-id', padding: 0 },
};
