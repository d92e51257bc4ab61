
// What is far from the window costs nothing: no card, no decoded thumbnail.
const actions = new WeakMap();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      actions.get(target)();
    }
  },
  { rootMargin: "800px 0px" },
);

/** Do it once, when the element comes near the window. */
function whenNear(target, action) {
  actions.set(target, action);
  watcher.observe(target);
}

const thumbnailText = (row) => `data:image/jpeg;base64,${block(byId(`thumbnail-${row.thumbnail}`))}`;

/** The row's thumbnail, or a neutral placeholder. */
function thumbnail(row, { eager = false } = {}) {
  if (row.thumbnail === null) {
    return element("span", { className: "thumbnail empty" }, "no thumbnail");
  }
  const image = element("img", { className: "thumbnail", alt: `Thumbnail of ${row.text}`, decoding: "async" });
  const show = () => { image.src = thumbnailText(row); };
  if (eager) show();
  else whenNear(image, show);
  return image;
}

addEventListener("beforeprint", () => {
  for (const image of document.querySelectorAll("img.thumbnail:not([src])")) actions.get(image)();
});
