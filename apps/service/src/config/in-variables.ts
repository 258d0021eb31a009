import { VARIABLES } from './environment.js';

const BY_OPTION = new Map(VARIABLES.map(({ name, option }) => [option, name]));

/** The variable that sets an option; without one, the option itself. */
export function variableOf(option: string): string {
  return BY_OPTION.get(option) ?? option;
}

/** A text of the library, with variables in place of options. Only names with a dot: `issuer` is an ordinary word. */
export function textInVariables(text: string): string {
  return text.replace(/\w+(?:\.\w+)+/g, variableOf);
}
