// Draws the icons that can't be SVG from favicon.svg: for the home screen, for installed apps, and for old browsers.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const wasm = createRequire(import.meta.url).resolve('@resvg/resvg-wasm/index_bg.wasm');

// makeIcons returns files by name.
export const makeIcons = async svg => {
  await initWasm(readFileSync(wasm));
  const draw = (source, size) => {
    const resvg = new Resvg(source, { fitTo: { mode: 'width', value: size }, font: { loadSystemFonts: false } });
    return Buffer.from(resvg.render().asPng());
  };
  // Systems that cut icons to their own shape get one without round corners. What it shows is within the inner 80 %.
  const square = svg.replace(/ rx="[^"]*"/, '');
  if (square === svg) throw new Error('favicon.svg: no round corners found');
  return {
    'icon-192.png': draw(svg, 192),
    'icon-512.png': draw(svg, 512),
    'icon-maskable.png': draw(square, 512),
    'apple-touch-icon.png': draw(square, 180),
    'favicon.ico': ico([16, 32, 48].map(size => ({ size, png: draw(svg, size) }))),
  };
};

// ico packs PNGs into the container of Windows icons: a header, an entry for each picture, and the pictures.
const ico = pictures => {
  const ENTRY = 16, HEADER = 6;
  const head = Buffer.alloc(HEADER + ENTRY * pictures.length);
  head.writeUInt16LE(1, 2); // icons, not cursors
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  pictures.forEach(({ size, png }, i) => {
    const at = HEADER + ENTRY * i;
    head.writeUInt8(size, at); // width
    head.writeUInt8(size, at + 1); // height
    head.writeUInt16LE(1, at + 4); // color planes
    head.writeUInt16LE(32, at + 6); // bits per pixel
    head.writeUInt32LE(png.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([head, ...pictures.map(({ png }) => png)]);
};
