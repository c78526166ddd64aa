/**
 * What a screen reader says. A log: lines are read one after another, where replacing one text would swallow the
 * answers that arrive while another is being read.
 */
const KEPT = 30;

export function announce(sentence: string): void {
  const log = document.querySelector('#announcements')!;
  const line = document.createElement('p');
  line.textContent = sentence;
  log.append(line);
  if (log.childElementCount > KEPT) log.firstElementChild!.remove();
}
