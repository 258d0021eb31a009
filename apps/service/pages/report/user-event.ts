/** A row of the audit log, as far as it is shown. */
export interface UserEvent {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  /** The administrator who did it. */
  readonly by?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly reason?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export interface EventPage {
  readonly items: readonly UserEvent[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}
