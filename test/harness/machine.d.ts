export type Attempt = (command: string, args: string[], stdio?: 'inherit' | 'ignore') => boolean;
export function attempt(...args: Parameters<Attempt>): boolean;
export function pythonThatTrains(attempt: Attempt, candidates?: string[], isRoot?: boolean): string | undefined;
export function installPackages(attempt: Attempt, packages: string[], isRoot?: boolean): boolean;
