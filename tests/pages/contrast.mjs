// Contrast of text by WCAG 2.2, 1.4.3.

/** Runs in the page: every element that has text of its own, its contrast, and what AA needs. */
export function contrast() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  // Whatever the notation, as [red, green, blue, alpha] from 0 to 1.
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, at) => value * a + below[at] * (1 - a));
  const ancestors = (element) => {
    const all = [];
    for (let at = element; at; at = at.parentElement) all.unshift(at);
    return all;
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // The colour behind everything; a canvas does not know of the dark.
  const probe = document.body.appendChild(document.createElement('div'));
  probe.style.backgroundColor = 'Canvas';
  const page = rgba(getComputedStyle(probe).backgroundColor).slice(0, 3);
  probe.remove();
  const texts = [...document.querySelectorAll('main *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()),
  );
  return texts.map((element) => {
    let background = page;
    let opacity = 1;
    for (const one of ancestors(element)) {
      const style = getComputedStyle(one);
      background = over(rgba(style.backgroundColor), background);
      opacity *= Number(style.opacity);
    }
    const style = getComputedStyle(element);
    const [r, g, b, a] = rgba(style.color);
    const text = luminance(over([r, g, b, a * opacity], background));
    const below = luminance(background);
    const ratio = (Math.max(text, below) + 0.05) / (Math.min(text, below) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return { text: element.textContent.trim().slice(0, 40), ratio, needed: large ? 3 : 4.5 };
  });
}
