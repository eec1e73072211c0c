export function notRun(file: string, elsewhere?: string): string[];
