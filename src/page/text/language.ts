/**
 * Which language the page speaks: that of the address (`?lang=`), of the last visit, or of the browser.
 */
import { signal } from '@preact/signals-core';
import { remembered } from '../state/remembered.ts';
import { en, type Text } from './en.ts';
import { Format } from './format.ts';

export type Language = 'en' | 'zh';
/** By the name that its speakers give it. */
export const LANGUAGES: Record<Language, string> = { en: 'English', zh: '中文' };

const spoken = signal({ language: 'en' as Language, text: en, format: new Format('en') });

/** Read while a view renders, it renders again when the language changes. */
export const text = (): Text => spoken.value.text;
export const format = (): Format => spoken.value.format;
export const language = (): Language => spoken.value.language;

export function preferredLanguage(): Language {
  const asked = new URLSearchParams(location.search).get('lang') ?? remembered.get('lang') ?? navigator.language;
  return asked.startsWith('zh') ? 'zh' : 'en';
}

/** Texts of other languages than English come when they are asked for. */
export async function speak(language: Language): Promise<void> {
  const text = language === 'zh' ? (await import('./zh.ts')).zh : en;
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  spoken.value = { language, text, format: new Format(document.documentElement.lang) };
  document.title = text.shell.title;
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]')) {
    element.textContent = text.shell[element.dataset.text!];
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-label]')) {
    element.ariaLabel = text.shell[element.dataset.label!];
  }
}
