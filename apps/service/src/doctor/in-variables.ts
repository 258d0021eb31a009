import type { Finding } from 'nestjs-silent-auth';
import { VARIABLES } from '../config/environment.js';

/** Subjects of the library whose variable has another form. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'trust proxy': 'TRUST_PROXY',
  throttle: 'THROTTLE',
  audit: 'AUDIT',
  database: 'MONGODB_URI',
};
const BY_OPTION = new Map(VARIABLES.map(({ name, option }) => [option, name]));

/** A finding of the library, with the names of variables instead of options. */
export function inVariables({ subject, message, fix, ...rest }: Finding): Finding {
  return {
    ...rest,
    // The name may be followed by an index or a value: `keys.access[0]`.
    subject: SUBJECTS[subject] ?? subject.replace(/^[\w.]+/, nameOf),
    message: inText(message),
    fix: inText(fix),
  };
}

/** Replaces only names with a dot: in a sentence `issuer` is an ordinary word. */
function inText(text: string): string {
  return text.replace(/\w+(?:\.\w+)+/g, nameOf);
}

function nameOf(option: string): string {
  return BY_OPTION.get(option) ?? option;
}
