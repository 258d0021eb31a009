/** Who may read `/metrics`. */
export interface MetricsSettings {
  /** Null: whoever reaches it; in development alone. */
  readonly token: string | null;
}
