export function notRun(file: string): string[];
