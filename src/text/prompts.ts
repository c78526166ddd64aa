/**
 * From what a caller wants to tell apart to the texts that stand for it.
 */
import { ViTError } from '../error.ts';

/** A label, whose text the template makes; or a label with its texts, whose embeddings are averaged. */
export type Candidate = string | { label: string; prompts: string[] };

export interface Prompted {
  label: string;
  prompts: string[];
}

/** @throws ViTError `bad-input` for a list without labels, a label that is there twice, and a template without `{}` */
export function promptsFor(candidates: readonly Candidate[], template: string): Prompted[] {
  if (!template.includes('{}')) {
    throw badInput(`The template ${JSON.stringify(template)} has no {}, which a label takes the place of.`);
  }
  if (candidates.length === 0) throw badInput('There are no candidates: give at least one label.');
  const labels = new Set<string>();
  return candidates.map((candidate, index) => {
    const { label, prompts } =
      typeof candidate === 'string' ? { label: candidate, prompts: [fill(template, candidate)] } : (candidate ?? {});
    if (typeof label !== 'string' || label.trim() === '') {
      throw badInput(`Candidate ${index} must be a text, or { label, prompts }; it has no label.`);
    }
    // Space around a label is no part of its text.
    if (labels.has(label.trim())) throw badInput(`The candidate ${JSON.stringify(label)} is there twice.`);
    if (!Array.isArray(prompts) || prompts.length === 0 || !prompts.every((text) => typeof text === 'string')) {
      throw badInput(`The candidate ${JSON.stringify(label)} must have a list of texts as prompts.`);
    }
    labels.add(label.trim());
    return { label, prompts };
  });
}

/** A label may hold what `replace` would take for a pattern. */
export function fill(template: string, label: string): string {
  return template.replaceAll('{}', () => label);
}

function badInput(message: string): ViTError {
  return new ViTError('bad-input', message);
}
