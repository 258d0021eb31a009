import type { Mailer, MailMessage } from 'nestjs-silent-auth';
import { printable } from '../common/printable.js';
import { render } from './letter.js';
import { letterOf } from './letters.js';

const RULE = '─'.repeat(72);

/**
 * Shows mail on the terminal of a developer without a mail server. It bypasses the logger, whose lines are kept: a
 * mail may contain a secret.
 */
export class TerminalMailer implements Mailer {
  constructor(
    private readonly appUrl: string,
    private readonly write: (text: string) => void = (text) => void process.stdout.write(text),
  ) {}

  async send(message: MailMessage): Promise<void> {
    const { subject, text } = render(letterOf(message, this.appUrl));
    this.write(`\n${RULE}\nMail to ${printable(message.to)}: ${subject}\n\n${printableText(text)}${RULE}\n`);
  }
}

/** Untrusted text must not send control sequences to the terminal. */
function printableText(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
