import { type Mailer, type MailMessage, MailRefusedError } from 'nestjs-silent-auth';
import { createTransport } from 'nodemailer';
import { render } from './letter.js';
import { letterOf } from './letters.js';
import { isPlainAddress, type Sender, type SmtpServer } from './mail-settings.js';

const TIMEOUT_MS = 10_000;

/** Sends mail to an SMTP server. It refuses untrusted certificates, and sends a password only over TLS. */
export class SmtpMailer implements Mailer {
  private readonly transport;

  constructor(
    { host, port, isSecure, login }: SmtpServer,
    private readonly from: Sender,
    private readonly appUrl: string,
  ) {
    this.transport = createTransport({
      host,
      port,
      secure: isSecure,
      // Otherwise an attacker on the line can remove STARTTLS and read the password.
      requireTLS: login !== null,
      ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      dnsTimeout: TIMEOUT_MS,
    });
  }

  async send(message: MailMessage, signal: AbortSignal): Promise<void> {
    const { id, to } = message;
    // A host's own user store may allow any address: none of it may become a header or a second recipient.
    if (!isPlainAddress(to)) throw new MailRefusedError('the address of the user is not an e-mail address');
    try {
      await this.transport.sendMail({
        from: { ...this.from },
        to: { name: '', address: to },
        envelope: { from: this.from.address, to: [to] },
        messageId: `<${id}@${this.from.address.split('@')[1] ?? ''}>`,
        // RFC 3834: suppresses automatic replies.
        headers: { 'Auto-Submitted': 'auto-generated' },
        ...render(letterOf(message, this.appUrl)),
        xMailer: false,
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
    } catch (cause) {
      throw isFinal(cause) ? new MailRefusedError('the mail server refuses the message', { cause }) : cause;
    }
  }
}

/**
 * Whether the message itself was refused (5xx, RFC 5321 §4.2.1). A failed login is not final: the operator can fix
 * it.
 */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = Object(error) as { code?: unknown; responseCode?: unknown };
  const isAboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  return isAboutMessage && typeof responseCode === 'number' && responseCode >= 500;
}
