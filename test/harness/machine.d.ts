export type Attempt = (command: string, args: string[], stdio?: 'inherit' | 'ignore') => boolean;
export const attempt: Attempt;
export function pythonThatTrains(attempt: Attempt, wanted?: string, isRoot?: boolean): string | undefined;
export function installPackages(attempt: Attempt, packages: string[], isRoot?: boolean): boolean;
