/** Holds requests that arrive while the service starts until it is ready for them. */
export class HeldRequests {
  private readonly waiting: (() => void)[] = [];
  private isOpen = false;

  readonly middleware = (_request: unknown, _response: unknown, next: () => void): void => {
    if (this.isOpen) next();
    else this.waiting.push(next);
  };

  release(): void {
    this.isOpen = true;
    for (const next of this.waiting.splice(0)) next();
  }
}
