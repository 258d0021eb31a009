/** Sends the height of this page to the page that shows it in a frame, so that the frame needs no scroll bar. */
export function tellHeight(): void {
  if (parent === window) return;
  const root = document.documentElement;
  new ResizeObserver(() => {
    // To any origin: a height is no secret, and a saved page has an opaque origin.
    parent.postMessage(
      { type: 'report-height', height: Math.ceil(root.getBoundingClientRect().height) },
      '*',
    );
  }).observe(root);
}
