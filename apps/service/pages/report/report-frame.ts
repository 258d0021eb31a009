/**
 * Makes a document of text in one place, the frame; the page's policy lets this name be used once. What the library has of
 * the DOM does not know of it yet.
 */
interface TrustedTypes {
  readonly createPolicy: (
    name: string,
    rules: { readonly createHTML: (text: string) => string },
  ) => { readonly createHTML: (text: string) => string };
}

const asDocument = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy(
  'security-report',
  {
    createHTML: (text) => text,
  },
);

/** No report is higher, whatever it says of itself. */
const MAX_HEIGHT = 100_000;

/**
 * Shows a report in a frame, as high as the report says that it is. Its policy, and that of this page, which a frame of text
 * inherits, let nothing run there but the report's own script, and nothing be fetched. Without `sandbox`: a frame in a
 * process of its own is painted no further than the window shows it, on screenshots and on paper.
 */
export class ReportFrame {
  private frame: HTMLIFrameElement | null = null;

  /** @param onShown has the document of each report, when it is there */
  constructor(
    private readonly place: HTMLElement,
    private readonly onShown: (report: Document) => void,
  ) {
    addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
      if (this.frame === null || source !== this.frame.contentWindow) return;
      const height = heightOf(data);
      if (height !== null) this.frame.style.height = `${height}px`;
    });
  }

  show(report: string): void {
    const frame = document.createElement('iframe');
    frame.title = 'Security report';
    frame.srcdoc = asDocument?.createHTML(report) ?? report;
    frame.addEventListener('load', () => {
      if (this.frame === frame && frame.contentDocument) this.onShown(frame.contentDocument);
    });
    // As high as the one before, so that the page does not jump.
    if (this.frame) frame.style.height = this.frame.style.height;
    this.place.replaceChildren(frame);
    this.frame = frame;
  }

  clear(): void {
    this.place.replaceChildren();
    this.frame = null;
  }
}

function heightOf(data: unknown): number | null {
  if (typeof data !== 'object' || data === null) return null;
  const { type, height } = data as { type?: unknown; height?: unknown };
  if (type !== 'report-height' || typeof height !== 'number' || !(height > 0)) return null;
  return Math.min(Math.ceil(height), MAX_HEIGHT);
}
