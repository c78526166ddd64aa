/**
 * A form of what a checkpoint does not say of itself. The questions are the library's, in its words.
 */
import { html, nothing } from 'lit-html';
import type { Conversion, Question } from '../../index.ts';
import { conversionOf, readAnswer } from '../state/conversion.ts';
import { text } from '../text/language.ts';
import { openDialog } from './dialog.ts';

/** @param answer gets what was typed, once all of it can be read */
export function openQuestions(questions: readonly Question[], answer: (given: Conversion) => void): void {
  openDialog(
    () => text().questions.title,
    () => html`
      <form class="questions" @submit=${(event: SubmitEvent) => submit(event, questions, answer)}>
        <p class="soft">${text().questions.note}</p>
        ${questions.map(questionView)}
        <button class="button" type="submit">${text().questions.convert}</button>
      </form>`,
  );
}

/** Of these the choices are examples. */
const OPEN = ['preprocess.resize', 'preprocess.crop'];

function questionView({ name, why, choices = [] }: Question, number: number): unknown {
  const id = `question-${number}`;
  return html`
    <label for=${id}>${why}</label>
    ${
      choices.length > 0 && !OPEN.includes(name)
        ? html`<select id=${id} name=${name} required>
            <option value=""></option>
            ${choices.map((choice) => html`<option>${choice}</option>`)}
          </select>`
        : html`<input id=${id} name=${name} type="text" required autocomplete="off" @input=${forgive}>`
    }
    ${choices.length > 0 && OPEN.includes(name) ? html`<small class="soft">${text().questions.choices(choices)}</small>` : nothing}`;
}

function forgive({ target }: Event): void {
  (target as HTMLInputElement).setCustomValidity('');
}

function submit(event: SubmitEvent, questions: readonly Question[], answer: (given: Conversion) => void): void {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const answered = questions.map(({ name }) => {
    const field = form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement;
    const value = readAnswer(name, field.value);
    field.setCustomValidity(value === undefined ? text().questions.unreadable : '');
    return [name, value] as [string, unknown];
  });
  if (!form.reportValidity()) return;
  form.closest('dialog')!.close();
  answer(conversionOf(answered));
}
