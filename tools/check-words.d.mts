export function bannedWords(text: string): { line: number; word: string; advice: string }[];
