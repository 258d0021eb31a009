import type { Finding } from 'nestjs-silent-auth';
import { textInVariables, variableOf } from '../config/in-variables.js';

/** Subjects of the library whose variable has another form. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'trust proxy': 'TRUST_PROXY',
  throttle: 'THROTTLE',
  audit: 'AUDIT',
  database: 'MONGODB_URI',
};

/** A finding of the library, with the names of variables instead of options. */
export function inVariables({ subject, message, fix, ...rest }: Finding): Finding {
  return {
    ...rest,
    // The name may be followed by an index or a value: `keys.access[0]`.
    subject: SUBJECTS[subject] ?? subject.replace(/^[\w.]+/, variableOf),
    message: textInVariables(message),
    fix: textInVariables(fix),
  };
}
