/** Tells a page that shows this one in a frame how high it is, so that the frame needs no scroll bar of its own. */
export function tellHeight(): void {
  if (parent === window) return;
  const root = document.documentElement;
  new ResizeObserver(() => {
    // To whoever it is: a height is no secret, and the origin of a page that was saved is opaque.
    parent.postMessage(
      { type: 'report-height', height: Math.ceil(root.getBoundingClientRect().height) },
      '*',
    );
  }).observe(root);
}
